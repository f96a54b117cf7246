package embedded_test

import (
	"fmt"
	"net"

	"github.com/leatstream/leat/embedded"
)

func Example() {
	broker, err := embedded.Start(embedded.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	if err := broker.CreateTopic("orders", 4); err != nil {
		fmt.Println(err)
		return
	}
	// Give broker.Addr() to an application as its only broker.
	conn, err := net.Dial("tcp", broker.Addr())
	if err != nil {
		fmt.Println(err)
		return
	}
	conn.Close()
	fmt.Println("the broker listens")
	// Output: the broker listens
}
