package kafka_test

import (
	"context"
	"fmt"

	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
)

func Example() {
	ctx := context.Background()
	broker, err := embedded.Start(embedded.Config{})
	if err != nil {
		panic(err)
	}
	defer broker.Close()
	cfg := kafka.Config{Brokers: []string{broker.Addr()}}

	admin, err := kafka.Connect(ctx, cfg)
	if err != nil {
		panic(err)
	}
	defer admin.Close()
	if err := admin.CreateTopics(ctx, kafka.TopicSpec{Name: "words", Partitions: 2}); err != nil {
		panic(err)
	}

	client, err := kafka.NewClient(cfg, kafka.ClientConfig{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	client.Produce(ctx, &kafka.Output{Topic: "words", Partition: 1, Value: []byte("leat")}, func(partition int32, offset int64, err error) {
		fmt.Println("written to", partition, "at", offset, err)
	})
	if err := client.Flush(ctx); err != nil {
		panic(err)
	}
	client.Assign(map[record.TopicPartition]int64{{Topic: "words", Partition: 1}: 0})
	fetches, err := client.Poll(ctx, 100)
	if err != nil {
		panic(err)
	}
	for _, f := range fetches {
		fmt.Printf("%s, next is %d of %d\n", f.Records[0].Value, f.Next, f.End)
	}
	// Output:
	// written to 1 at 0 <nil>
	// leat, next is 1 of 1
}
