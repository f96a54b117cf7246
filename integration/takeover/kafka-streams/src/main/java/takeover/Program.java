package takeover;

import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.Stores;

/** The application: program.go and its neighbours say the same in Go, operator by operator. */
final class Program {
    static final Serde<String> TEXT = Serdes.String();
    static final Serde<Long> NUMBER = Serdes.Long();

    final StreamsBuilder builder;
    private final String prefix;
    final KStream<String, String> orders;
    final KStream<String, String> payments;
    final KTable<String, String> customers;
    final KTable<String, String> credits;
    final KTable<String, String> tariffs;
    final KTable<String, String> items;
    final GlobalKTable<String, String> regions;

    Program(String prefix, long quick, StreamsConfig config) {
        this.prefix = prefix;
        builder = new StreamsBuilder(new TopologyConfig(config));
        orders = builder.stream(prefix + "orders", Consumed.with(TEXT, TEXT).withTimestampExtractor(new OrderTime()))
            .peek(new Brake(quick)::order);
        payments = builder.stream(prefix + "payments", Consumed.with(TEXT, TEXT));
        customers = builder.table(prefix + "customers", Consumed.with(TEXT, TEXT), Materialized.as("customers"));
        credits = builder.table(prefix + "credits", Consumed.with(TEXT, TEXT));
        tariffs = builder.table(prefix + "tariffs", Consumed.with(TEXT, TEXT),
            Materialized.as(Stores.persistentVersionedKeyValueStore("tariffs", Duration.ofMinutes(10))));
        items = builder.table(prefix + "items", Consumed.with(TEXT, TEXT));
        regions = builder.globalTable(prefix + "regions", Consumed.with(TEXT, TEXT), Materialized.as("regions"));
    }

    Topology build(Properties p) {
        Aggregations.add(this);
        Windows.add(this);
        Joins.add(this);
        return builder.build(p);
    }

    <K, V> void to(KStream<K, V> stream, String topic, Serde<K> keys, Serde<V> values) {
        stream.to(prefix + topic, Produced.with(keys, values));
    }

    /** Holds orders up once so many have come, so that the application can be stopped among them. */
    private record Brake(AtomicLong left) {
        Brake(long quick) {
            this(new AtomicLong(quick));
        }

        void order(String user, String order) {
            if (left.decrementAndGet() < 0) {
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    /** The group of a user is in the user's partition, so the order of a group's records is that of their partition. */
    static String group(String user) {
        return user.substring(0, 3) + "g" + user.charAt(user.length() - 1) % 3;
    }

    static String region(String value) {
        return value.substring(value.lastIndexOf('r'));
    }

    static String pair(String left, String right) {
        return left + "|" + right;
    }

    static String append(String all, String value) {
        return all + "," + value;
    }

    /** Orders that begin with a question mark have the time that their partition has come to. */
    static final class OrderTime implements TimestampExtractor {
        @Override
        public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
            return record.value().toString().startsWith("?") ? partitionTime : record.timestamp();
        }
    }
}
