package changelog

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// UnknownTime is the partition time of a partition from which nothing has been read yet.
const UnknownTime = -1

// Metadata travels with a committed offset, so that what a task knows of time survives a restart.
//
// Source: KIP-695, Kafka Streams' TopicPartitionMetadata.
type Metadata struct {
	// PartitionTime is the highest timestamp read from the partition, in milliseconds since the Unix epoch,
	// or [UnknownTime].
	PartitionTime int64
	// Processors holds one time per name, in milliseconds: for window stores that emit final results, until
	// when windows have been emitted. It is nil if there is none. Partitions of one task may differ: see
	// [Metadata.Merge].
	Processors map[string]int64
}

// The format, in base64: byte version, int64 partition time; from version 2 on, if there are any processors,
// int32 number and for each int32 length, name, int64 time. Integers are big-endian.
const (
	metadataTimeOnly   = 1
	metadataProcessors = 2
)

// ErrMetadata is the cause when offset metadata is not what leat or Kafka Streams writes. The remedy is to
// go on without: the partition's time starts anew.
var ErrMetadata = errors.New("unsupported offset metadata")

// Encode returns the text to commit with an offset; a function of the content alone. Brokers refuse text of
// more than offset.metadata.max.bytes, 4096 by default.
func (m Metadata) Encode() string {
	b := []byte{metadataProcessors}
	b = binary.BigEndian.AppendUint64(b, uint64(m.PartitionTime))
	if len(m.Processors) > 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(len(m.Processors)))
		for _, name := range slices.Sorted(maps.Keys(m.Processors)) {
			b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
			b = append(b, name...)
			b = binary.BigEndian.AppendUint64(b, uint64(m.Processors[name]))
		}
	}
	return base64.StdEncoding.EncodeToString(b)
}

// Merge takes over the times of o's processors that are later than m's, and reports whether there are any.
// Partition times are not merged.
func (m *Metadata) Merge(o Metadata) (changed bool) {
	for name, t := range o.Processors {
		if old, ok := m.Processors[name]; !ok || old < t {
			if m.Processors == nil {
				m.Processors = make(map[string]int64, len(o.Processors))
			}
			m.Processors[name] = t
			changed = true
		}
	}
	return changed
}

// DecodeMetadata reads the text that was committed with an offset. Empty text, as tools write it, is an
// unknown time and no error. After an error, which is always [ErrMetadata], the result holds what could be
// read: a partition time before damaged processors, else an unknown one. The text can be anything: others
// may commit for the group.
func DecodeMetadata(text string) (Metadata, error) {
	m := Metadata{PartitionTime: UnknownTime}
	if text == "" {
		return m, nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		// Java's decoder does not insist on padding.
		if b, err = base64.RawStdEncoding.DecodeString(text); err != nil {
			return m, fmt.Errorf("%w: %w", ErrMetadata, err)
		}
	}
	if len(b) == 0 || b[0] != metadataTimeOnly && b[0] != metadataProcessors {
		return m, fmt.Errorf("%w: version is not 1 or 2", ErrMetadata)
	}
	version, b := b[0], b[1:]
	if len(b) < 8 {
		return m, fmt.Errorf("%w: partition time is cut off", ErrMetadata)
	}
	m.PartitionTime = int64(binary.BigEndian.Uint64(b))
	if b = b[8:]; version == metadataTimeOnly || len(b) == 0 {
		return m, nil
	}
	m.Processors, err = decodeProcessors(b)
	return m, err
}

func decodeProcessors(b []byte) (map[string]int64, error) {
	errCut := fmt.Errorf("%w: processors are cut off", ErrMetadata)
	if len(b) < 4 {
		return nil, errCut
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	out := make(map[string]int64)
	for range n {
		if len(b) < 4 {
			return nil, errCut
		}
		size := int64(binary.BigEndian.Uint32(b))
		if b = b[4:]; int64(len(b)) < size+8 {
			return nil, errCut
		}
		out[string(b[:size])] = int64(binary.BigEndian.Uint64(b[size:]))
		b = b[size+8:]
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}
