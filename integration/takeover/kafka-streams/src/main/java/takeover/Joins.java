package takeover;

import static takeover.Program.TEXT;

import java.time.Duration;
import java.util.function.Function;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TableJoined;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;

/** Joins of each kind. */
final class Joins {
    static void add(Program p) {
        JoinWindows near = JoinWindows.ofTimeDifferenceAndGrace(Duration.ofSeconds(2), Duration.ofSeconds(5));
        p.to(p.orders.join(p.payments, Program::pair, near, StreamJoined.with(TEXT, TEXT, TEXT).withName("paid").withStoreName("paid")),
            "joined", TEXT, TEXT);
        p.to(p.orders.leftJoin(p.payments, Program::pair, near,
            StreamJoined.with(TEXT, TEXT, TEXT).withDslStoreSuppliers(BuiltInDslStoreSuppliers.IN_MEMORY)), "left", TEXT, TEXT);
        p.to(p.orders.outerJoin(p.payments, Program::pair, near, StreamJoined.with(TEXT, TEXT, TEXT).withStoreName("either")),
            "outer", TEXT, TEXT);

        p.to(p.orders.join(p.tariffs, Program::pair, Joined.with(TEXT, TEXT, TEXT)), "priced", TEXT, TEXT);
        p.to(p.orders.leftJoin(p.tariffs, Program::pair, Joined.with(TEXT, TEXT, TEXT, "patient", Duration.ofSeconds(4))),
            "patient", TEXT, TEXT);
        p.to(p.orders.leftJoin(p.customers, Program::pair, Joined.with(TEXT, TEXT, TEXT)), "known", TEXT, TEXT);
        p.to(p.orders.leftJoin(p.regions, (k, v) -> Program.region(v), Program::pair), "placed", TEXT, TEXT);

        p.to(p.customers.outerJoin(p.credits, Program::pair, Materialized.as("accounts")).toStream(), "accounts", TEXT, TEXT);
        Function<String, String> item = v -> v.substring(0, v.indexOf('-'));
        p.to(p.customers.leftJoin(p.items, item, Program::pair, TableJoined.as("wish"), Materialized.as("wishes")).toStream(),
            "wishes", TEXT, TEXT);
    }
}
