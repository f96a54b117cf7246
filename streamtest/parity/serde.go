package parity

import "github.com/leatstream/leat/record"

// textSerde writes a Text as UTF-8. Null never reaches a serde.
type textSerde struct{}

func (textSerde) Append(dst []byte, v Text) ([]byte, error) { return append(dst, v.Value...), nil }

func (textSerde) Decode(b []byte) (Text, error) { return record.Some(string(b)), nil }
