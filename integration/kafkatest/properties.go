package kafkatest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The names of the listeners. Clients use the first; brokers talk to each other, and a transaction's coordinator
// to the partitions' leaders, over the second.
const (
	clientListener     = "PLAINTEXT"
	brokerListener     = "BROKER"
	controllerListener = "CONTROLLER"
)

// properties are a broker's settings by their names in server.properties.
type properties map[string]string

// baseProperties are the settings that a broker has wherever it runs: those of a small cluster for tests, which
// shall not wait where a production cluster does well to.
func baseProperties(node, nodes, partitions int) properties {
	replicas := strconv.Itoa(nodes)
	return properties{
		"process.roles":                        "broker,controller",
		"node.id":                              strconv.Itoa(node),
		"controller.listener.names":            controllerListener,
		"listener.security.protocol.map":       clientListener + ":PLAINTEXT," + brokerListener + ":PLAINTEXT," + controllerListener + ":PLAINTEXT",
		"inter.broker.listener.name":           brokerListener,
		"num.partitions":                       strconv.Itoa(partitions),
		"default.replication.factor":           replicas,
		"offsets.topic.replication.factor":     replicas,
		"offsets.topic.num.partitions":         "4",
		"transaction.state.log.num.partitions": "4",
		"transaction.state.log.min.isr":        strconv.Itoa(min(nodes, 2)),

		"transaction.state.log.replication.factor":     replicas,
		"share.coordinator.state.topic.min.isr":        strconv.Itoa(min(nodes, 2)),
		"share.coordinator.state.topic.num.partitions": "4",

		"share.coordinator.state.topic.replication.factor": replicas,
		// A broker that the others keep waiting for longer than this ends; by default after a minute, which three
		// of them on a busy machine exceed.
		"initial.broker.registration.timeout.ms": "300000",
		// A group's first rebalance waits three seconds for more members by default.
		"group.initial.rebalance.delay.ms": "0",
	}
}

// file returns the content of a server.properties, in the names' order.
func (p properties) file() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(p)) {
		b.WriteString(name + "=" + p[name] + "\n")
	}
	return b.String()
}

// environment returns the variables from which the image's start script makes server.properties.
func (p properties) environment() map[string]string {
	env := map[string]string{}
	for name, value := range p {
		env["KAFKA_"+strings.ToUpper(strings.ReplaceAll(name, ".", "_"))] = value
	}
	return env
}
