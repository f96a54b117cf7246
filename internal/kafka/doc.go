// Package kafka is leat's one door to a Kafka cluster, and the one importer of franz-go beside the
// embedded broker. It speaks in the values of package record; no franz-go type leaves it.
//
// It owns four kinds of connection, all made from one [Config]:
//
//   - [Admin] asks about and changes topics, offsets and groups. [Connect] makes one and is also the check
//     that the cluster can be reached.
//   - [Member] is the application instance's one membership in its consumer group: it joins, heartbeats,
//     carries the subscription's and the assignment's userdata and commits offsets. It fetches nothing.
//   - [Client] belongs to one worker: it reads the partitions it is told to, from the offsets it is told,
//     and produces. It is in no group and never decides by itself where to read.
//   - [Restorer] reads changelogs in bulk, up to an end (restore) or without one (standby).
//
// # Invariants
//
//   - A position moves only by what the broker returned: past records, control records, aborted
//     transactions and compacted gaps alike. It is never guessed from the last record's offset, so reading
//     "up to the end" ends for every kind of tail.
//   - An offset that is out of range is an error ([OffsetOutOfRange]). Nothing here restarts at the log's
//     start or end by itself.
//   - A partition that is moving between members is nobody's for one generation, whatever an [Assignor]
//     says, so that its old owner has committed before its new owner reads the commit.
//   - Errors are an [*Error] that says what was attempted, on what, and what to do about it; errors.Is with
//     a [Kind] tells the kinds apart.
//
// # Reading
//
// [Client] and [Restorer] send their own Fetch requests instead of using franz-go's consumer, because that
// one hides what leat needs: it drops responses without records, and with them the position after control
// records and the high watermark of idle partitions, on which max.task.idle depends; it throws buffered
// data away on pause; and it holds new partitions back while a long poll lasts. Records wait as the bytes
// that came and are decoded when they are polled, into slices that come back ([Client.GiveBack]): decoded,
// they take three times the memory. Connections, versions, authentication and message formats from before
// Kafka 0.11 are franz-go's.
package kafka
