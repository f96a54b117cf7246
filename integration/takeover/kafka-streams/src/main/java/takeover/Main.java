package takeover;

import static org.apache.kafka.streams.StreamsConfig.*;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;

/**
 * Runs the application until standard input ends, then closes it and leaves the group. Arguments are name=value:
 * bootstrap, application, prefix (of the topics), state, describe (the file for the topology's description),
 * guarantee, optimization, format (of the stores), quick (the number of orders that are not held up).
 */
public final class Main {
    public static void main(String[] args) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (String arg : args) {
            String[] parts = arg.split("=", 2);
            given.put(parts[0], parts[1]);
        }
        Properties p = properties(given);
        Topology topology = new Program(given.get("prefix"), Long.parseLong(given.get("quick")), new StreamsConfig(p)).build(p);
        Files.writeString(Path.of(given.get("describe")), topology.describe().toString());
        KafkaStreams streams = new KafkaStreams(topology, p);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
        });
        streams.start();
        while (System.in.read() >= 0) {
        }
        // Members that stay until their session times out would keep the other side from joining.
        boolean closed = streams.close(CloseOptions
            .groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
            .withTimeout(Duration.ofMinutes(4)));
        System.exit(closed ? 0 : 1);
    }

    private static Properties properties(Map<String, String> given) {
        Properties p = new Properties();
        p.put(APPLICATION_ID_CONFIG, given.get("application"));
        p.put(BOOTSTRAP_SERVERS_CONFIG, given.get("bootstrap"));
        p.put(STATE_DIR_CONFIG, given.get("state"));
        p.put(PROCESSING_GUARANTEE_CONFIG, given.get("guarantee"));
        p.put(TOPOLOGY_OPTIMIZATION_CONFIG, given.get("optimization"));
        p.put(DSL_STORE_FORMAT_CONFIG, given.get("format"));
        p.put(DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        p.put(DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        p.put(COMMIT_INTERVAL_MS_CONFIG, 100);
        // Every update goes on, so that outputs do not depend on when commits are.
        p.put(STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        // A closing application first processes what it has fetched, so that it shall not have much.
        p.put(consumerPrefix("max.poll.records"), 50);
        p.put(BUFFERED_RECORDS_PER_PARTITION_CONFIG, 50);
        return p;
    }
}
