package takeover;

import static takeover.Program.NUMBER;
import static takeover.Program.TEXT;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/** Windows and sessions, on disk and in memory, as they change and when they close. */
final class Windows {
    private static final Duration SIZE = Duration.ofSeconds(10);
    private static final Duration ADVANCE = Duration.ofSeconds(5);
    private static final Duration GRACE = Duration.ofSeconds(5);
    private static final Duration NEAR = Duration.ofSeconds(4);
    private static final Duration KEPT = Duration.ofMinutes(10);
    private static final Duration GAP = Duration.ofSeconds(1);

    static void add(Program p) {
        Serde<Windowed<String>> windows = WindowedSerdes.timeWindowedSerdeFrom(String.class, SIZE.toMillis());
        Serde<Windowed<String>> slides = WindowedSerdes.timeWindowedSerdeFrom(String.class, NEAR.toMillis());
        Serde<Windowed<String>> sessions = WindowedSerdes.sessionWindowedSerdeFrom(String.class);
        TimeWindows tumbling = TimeWindows.ofSizeAndGrace(SIZE, GRACE);
        KGroupedStream<String, String> byUser = p.orders.groupByKey(Grouped.with(TEXT, TEXT));

        p.to(byUser.windowedBy(tumbling).aggregate(() -> "", (k, v, all) -> Program.append(all, v), Materialized.as("tumbling")).toStream(),
            "tumbling", windows, TEXT);
        p.to(byUser.windowedBy(tumbling.advanceBy(ADVANCE)).count(Materialized.as(
            Stores.inMemoryWindowStore("hopping", SIZE.plus(GRACE), SIZE, false))).toStream(), "hopping", windows, NUMBER);
        p.to(byUser.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(NEAR, GRACE)).reduce(Program::append, Materialized.as("sliding"))
            .toStream(), "sliding", slides, TEXT);
        SessionWindows gaps = SessionWindows.ofInactivityGapAndGrace(GAP, GRACE);
        p.to(byUser.windowedBy(gaps).aggregate(() -> "", (k, v, all) -> Program.append(all, v), (k, a, b) -> a + b,
            Materialized.as("sessions")).toStream(), "sessions", sessions, TEXT);
        p.to(byUser.windowedBy(gaps).count(Materialized.as(Stores.inMemorySessionStore("session-counts", GAP.plus(GRACE)))).toStream(),
            "session-counts", sessions, NUMBER);
        p.to(byUser.windowedBy(tumbling).count()
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()).withName("finals")).toStream(),
            "finals", windows, NUMBER);
        p.to(byUser.windowedBy(tumbling).emitStrategy(EmitStrategy.onWindowClose()).count(
            Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("closed").withKeySerde(TEXT).withRetention(KEPT)).toStream(),
            "closed", windows, NUMBER);
    }
}
