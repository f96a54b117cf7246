package serde_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

func Example() {
	b, err := serde.Int32.Append(nil, 258)
	fmt.Printf("%x %v\n", b, err)
	_, err = serde.Int32.Decode([]byte("abc"))
	fmt.Println(err)
	// Output:
	// 00000102 <nil>
	// int32 has 3 bytes, want 4
}

func ExampleJSON() {
	type payment struct {
		Order string `json:"order"`
		Cents int64  `json:"cents"`
	}
	s := serde.JSON[payment]()
	b, _ := s.Append(nil, payment{"o-1", 250})
	fmt.Println(string(b))
	p, _ := s.Decode([]byte(`{"order": "o-2", "note": "fields that are not there are passed over"}`))
	fmt.Println(p)
	// Output:
	// {"order":"o-1","cents":250}
	// {o-2 0}
}

// A value that may be null, which operators see as such, without a pointer.
func ExampleOptional() {
	v, _ := serde.Optional(serde.Int64).Decode([]byte{0, 0, 0, 0, 0, 0, 0, 7})
	fmt.Println(v.Valid, v.Value)
	fmt.Println(record.Optional[int64]{}.Valid)
	// Output:
	// true 7
	// false
}

func ExamplePointer() {
	v, _ := serde.Pointer(serde.String).Decode([]byte("text"))
	fmt.Println(*v)
	// Output: text
}

// addresses is a serde of one's own: IPv4 addresses as four bytes.
type addresses struct{}

func (addresses) Append(dst []byte, a netip.Addr) ([]byte, error) {
	if !a.Is4() {
		return dst, fmt.Errorf("%v is no IPv4 address", a)
	}
	b := a.As4()
	return append(dst, b[:]...), nil
}

func (addresses) Decode(b []byte) (netip.Addr, error) {
	if len(b) != 4 {
		return netip.Addr{}, fmt.Errorf("an IPv4 address has 4 bytes, not %d", len(b))
	}
	return netip.AddrFrom4([4]byte(b)), nil
}

func ExampleSerde() {
	var s serde.Serde[netip.Addr] = addresses{}
	b, _ := s.Append(nil, netip.MustParseAddr("192.0.2.1"))
	a, _ := s.Decode(b)
	fmt.Printf("%x %v\n", b, a)
	// Output: c0000201 192.0.2.1
}

// byTopic is a serde whose bytes depend on the topic, as a schema registry's do: a number, then the text.
type byTopic struct {
	ids map[string]uint32
	id  uint32
}

func (s byTopic) ForTopic(topic string, isKey bool) serde.Serde[string] {
	if isKey {
		return byTopic{s.ids, s.ids[topic+"-key"]}
	}
	return byTopic{s.ids, s.ids[topic+"-value"]}
}

func (s byTopic) Append(dst []byte, v string) ([]byte, error) {
	return append(binary.BigEndian.AppendUint32(dst, s.id), v...), nil
}

func (s byTopic) Decode(b []byte) (string, error) {
	if len(b) < 4 {
		return "", fmt.Errorf("%d bytes are too few for a schema's id", len(b))
	}
	return string(b[4:]), nil
}

// leat calls For when the topology is built; the driver of tests does, too.
func ExampleTopicBound() {
	var s serde.Serde[string] = byTopic{ids: map[string]uint32{"orders-value": 7}}
	b, _ := serde.For(s, "orders", false).Append(nil, "x")
	fmt.Printf("%x\n", b)
	// Output: 0000000778
}
