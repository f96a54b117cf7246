package takeover;

import static takeover.Program.NUMBER;
import static takeover.Program.TEXT;

import java.time.Duration;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** Key-value stores of every kind, with repartition topics and a suppression by time. */
final class Aggregations {
    static void add(Program p) {
        KGroupedStream<String, String> byUser = p.orders.groupByKey(Grouped.with(TEXT, TEXT));
        KTable<String, Long> counts = byUser.count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts").withKeySerde(TEXT));
        p.to(counts.toStream(), "counts", TEXT, NUMBER);
        p.to(byUser.reduce(Program::append, Materialized.as(Stores.inMemoryKeyValueStore("chains"))).toStream(), "chains", TEXT, TEXT);
        p.to(counts.suppress(Suppressed.untilTimeLimit(Duration.ofSeconds(4), Suppressed.BufferConfig.unbounded())).toStream(),
            "limited", TEXT, NUMBER);

        KTable<String, Long> sums = counts
            .groupBy((user, n) -> KeyValue.pair(Program.group(user), n), Grouped.with("by-group", TEXT, NUMBER))
            .aggregate(() -> 0L, (k, v, sum) -> sum + v, (k, v, sum) -> sum - v,
                Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("sums").withValueSerde(NUMBER));
        p.to(sums.toStream(), "sums", TEXT, NUMBER);

        KStream<String, String> byGroup = p.orders.selectKey((user, v) -> Program.group(user));
        p.to(byGroup.groupByKey(Grouped.with("grouped", TEXT, TEXT)).aggregate(() -> "", (k, v, all) -> Program.append(all, v),
            Materialized.as("group-chains")).toStream(), "group-chains", TEXT, TEXT);
        p.to(byGroup.groupByKey(Grouped.with("grouped-again", TEXT, TEXT)).count().toStream(), "group-counts", TEXT, NUMBER);
        p.to(byGroup.repartition(Repartitioned.with(TEXT, TEXT).withName("again")).toTable(Materialized.as("latest")).toStream(),
            "latest", TEXT, TEXT);

        p.builder.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("seen"), TEXT, NUMBER));
        p.to(p.orders.processValues(Numbered::new, "seen"), "numbered", TEXT, TEXT);
    }

    /** Numbers each user's records in a plain key-value store; the seventh begins anew. */
    static final class Numbered extends ContextualFixedKeyProcessor<String, String, String> {
        private KeyValueStore<String, Long> seen;

        @Override
        public void init(FixedKeyProcessorContext<String, String> context) {
            super.init(context);
            seen = context.getStateStore("seen");
        }

        @Override
        public void process(FixedKeyRecord<String, String> r) {
            Long n = seen.get(r.key());
            long next = n == null ? 1 : n + 1;
            if (next == 7) {
                seen.delete(r.key());
            } else {
                seen.put(r.key(), next);
            }
            context().forward(r.withValue(next + ":" + r.value()));
        }
    }
}
