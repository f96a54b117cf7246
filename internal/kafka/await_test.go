package kafka

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestAwaitTopicThatABrokerHasNotHeardOf has a broker answer for a while as one does to which another instance's
// new topic has not come yet. Instances that are started together meet such brokers.
func TestAwaitTopicThatABrokerHasNotHeardOf(t *testing.T) {
	e := newFake(t)
	topic := e.topic(t, 2)
	var late atomic.Int64 // the answers without the topic that are still to come
	e.fake.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		if late.Add(-1) < 0 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, r := range req.(*kmsg.DescribeConfigsRequest).Resources {
			a := kmsg.NewDescribeConfigsResponseResource()
			a.ResourceType, a.ResourceName, a.ErrorCode = r.ResourceType, r.ResourceName, kerr.UnknownTopicOrPartition.Code
			resp.Resources = append(resp.Resources, a)
		}
		return resp, nil, true
	})
	e.fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		asked := req.(*kmsg.MetadataRequest)
		if len(asked.Topics) == 0 || late.Add(-1) < 0 {
			return nil, nil, false
		}
		resp := asked.ResponseKind().(*kmsg.MetadataResponse)
		for _, r := range asked.Topics {
			a := kmsg.NewMetadataResponseTopic()
			a.Topic, a.ErrorCode = r.Topic, kerr.UnknownTopicOrPartition.Code
			resp.Topics = append(resp.Topics, a)
		}
		return resp, nil, true
	})

	late.Store(3)
	if topics, err := e.admin.AwaitTopics(t.Context(), topic); err != nil || topics[topic].Partitions != 2 {
		t.Errorf("topic: %+v, %v", topics[topic], err)
	}
	late.Store(3)
	if configs, err := e.admin.AwaitTopicConfigs(t.Context(), topic); err != nil || configs[topic]["cleanup.policy"] == "" {
		t.Errorf("configs: %v, %v", configs, err)
	}

	// One that does not exist is an error in the end.
	e.admin.timeout = 50 * time.Millisecond
	_, err := e.admin.AwaitTopicConfigs(t.Context(), e.name(t, "missing"))
	wantKind(t, err, UnknownTopic, "missing")
	if _, err := e.admin.AwaitTopics(t.Context(), e.name(t, "missing")); err == nil {
		t.Error("a topic that does not exist was seen")
	}
}
