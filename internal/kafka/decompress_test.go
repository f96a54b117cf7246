package kafka

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

func TestABatchThatBecomesTooLargeStopsItsPartition(t *testing.T) {
	e := newFake(t)
	e.cfg.MaxDecompressedBatch = 50_000
	for codec, c := range codecs {
		if codec == "" || codec == "none" {
			continue
		}
		topic := e.topic(t, 2)
		bomb, fine := tp(topic, 0), tp(topic, 1)
		cl := e.kgo(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(c))
		for p, n := range map[record.TopicPartition]int{bomb: 200_000, fine: 40_000} {
			if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: p.Partition, Value: make([]byte, n)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		r := e.client(t, ClientConfig{})
		r.Assign(map[record.TopicPartition]int64{bomb: 0, fine: 0})
		var failed error
		got := 0
		collect(t, r, func(fs []Fetch) bool {
			got = len(values(fs))
			for _, f := range fs {
				if f.Err != nil {
					failed = f.Err
				}
			}
			return failed != nil && got > 0
		})
		wantKind(t, failed, TooLarge, topic+"[0]", "decompressed")
		if got != 1 {
			t.Errorf("%s: %d records", codec, got)
		}
	}
}

func TestJavasSnappyFraming(t *testing.T) {
	frame := func(blocks ...string) []byte {
		out := append(append([]byte{}, snappyFrame...), 0, 0, 0, 1, 0, 0, 0, 1)
		for _, b := range blocks {
			z := s2.EncodeSnappy(nil, []byte(b))
			out = append(out, 0, 0, byte(len(z)>>8), byte(len(z)))
			out = append(out, z...)
		}
		return out
	}
	d := newDecompressor(1000)
	got, err := d.Decompress(frame("one ", "two ", strings.Repeat("x", 900)), kgo.CodecSnappy)
	if err != nil || string(got) != "one two "+strings.Repeat("x", 900) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := d.Decompress(frame(strings.Repeat("x", 600), strings.Repeat("x", 600)), kgo.CodecSnappy); !errors.Is(err, kgo.ErrMaxDecompress) {
		t.Errorf("two blocks that are too large together: %v", err)
	}
}

func TestCorruptDataStopsThePartition(t *testing.T) {
	e := newFake(t)
	p := tp(e.topic(t, 1), 0)
	e.fill(t, p, 0, 3)
	e.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		fr := req.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		st := kmsg.NewFetchResponseTopic()
		st.Topic, st.TopicID = fr.Topics[0].Topic, fr.Topics[0].TopicID
		sp := kmsg.NewFetchResponseTopicPartition()
		sp.HighWatermark, sp.LastStableOffset = 3, 3
		batch := kmsg.RecordBatch{Magic: 2, NumRecords: 3, LastOffsetDelta: 2, Records: make([]byte, 30), CRC: 7}
		batch.Length = int32(len(batch.AppendTo(nil)) - 12)
		sp.RecordBatches = batch.AppendTo(nil)
		st.Partitions = append(st.Partitions, sp)
		resp.Topics = append(resp.Topics, st)
		return resp, nil, true
	})
	c := e.client(t, ClientConfig{})
	begin := time.Now()
	c.Assign(map[record.TopicPartition]int64{p: 0})
	f := last(collect(t, c, func(fs []Fetch) bool { return len(fs) > 0 && last(fs).Err != nil }))
	wantKind(t, f.Err, Corrupt, p.Topic+"[0]", "checksum", "offset")
	if time.Since(begin) < 100*time.Millisecond {
		t.Error("it was not tried again")
	}
}

func FuzzDecompress(f *testing.F) {
	d := newDecompressor(1 << 16)
	f.Add(byte(1), []byte{31, 139, 8, 0})
	f.Add(byte(2), append(bytes.Clone(snappyFrame), 0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255))
	f.Add(byte(2), s2.EncodeSnappy(nil, []byte("hello")))
	f.Add(byte(4), []byte{40, 181, 47, 253})
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		out, err := d.Decompress(data, kgo.CompressionCodecType(codec))
		if err == nil && codec != 0 && len(out) > 1<<16 {
			t.Errorf("%d bytes", len(out))
		}
	})
}
