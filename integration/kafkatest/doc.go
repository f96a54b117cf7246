// Package kafkatest gives a test the address of a real Kafka broker. It is meant for the tests of leat and for
// those of applications built on it.
//
// [Brokers] is the front door: the first call in a test binary finds or starts a cluster and every later one
// returns the same. In order of preference the cluster is
//
//  1. the one that the environment variable LEAT_BROKERS names (host:port, separated by commas);
//  2. a container of the image apache/kafka, through testcontainers-go, where a Docker daemon answers;
//  3. a local process of Apache Kafka's jars from Maven Central, where Java 17 and Maven are installed.
//
// If none of them is there, the test fails and says what to install: a test that asks for a real broker is not
// passed without one.
//
// # Life of a cluster
//
// What this package starts it also ends, without a TestMain and even if the test binary is killed. A container
// and a local process both hold the reading end of a stream whose writing end is this process: when that ends,
// the stream ends, and the broker is killed and its data removed. Testcontainers' own reaper (Ryuk) is used on
// top where its image can be had and switched off where it cannot.
//
// The state of a cluster is lost when it stops. Tests share one cluster, so each makes topics, groups and
// transactional ids of its own: [NewTopic] and [UniqueName].
//
// # Settings
//
// LEAT_BROKERS names an existing cluster. LEAT_KAFKA_VERSION replaces [Version] for containers and jars;
// LEAT_KAFKA_IMAGE replaces the image's name including its tag. Testcontainers' own variables, such as
// TESTCONTAINERS_HOST_OVERRIDE, hold.
package kafkatest
