package kafkatest

import (
	"cmp"
	"os"
)

// Version is the release of Apache Kafka that is started: the tag of the image and the version of the jars. The
// environment variable LEAT_KAFKA_VERSION overrides it.
const Version = "4.4.0"

// CurrentVersion returns the release that is started in this environment.
func CurrentVersion() string {
	return cmp.Or(os.Getenv("LEAT_KAFKA_VERSION"), Version)
}

// Image returns the container image that is started in this environment, with its tag.
func Image() string {
	return cmp.Or(os.Getenv("LEAT_KAFKA_IMAGE"), "apache/kafka:"+CurrentVersion())
}
