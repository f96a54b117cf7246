package kafka

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// decompressor undoes Kafka's codecs and refuses a batch that would become larger than max. franz-go's own
// bound is only to be had for a client's own consumer.
type decompressor struct {
	max  int
	zstd *zstd.Decoder
}

var errFraming = errors.New("snappy framing is damaged")

// snappyFrame opens a batch of Java's snappy, which is a sequence of blocks with their lengths in front.
var snappyFrame = []byte{130, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

func newDecompressor(max int) *decompressor {
	d, err := zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(max)))
	if err != nil {
		panic(fmt.Sprintf("zstd options: %v", err))
	}
	return &decompressor{max: max, zstd: d}
}

// Decompress implements kgo.Decompressor. It may be called concurrently.
func (d *decompressor) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	switch codec {
	case kgo.CodecNone:
		return src, nil
	case kgo.CodecGzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		return d.readAll(r, len(src))
	case kgo.CodecSnappy:
		return d.snappy(src)
	case kgo.CodecLz4:
		return d.readAll(lz4.NewReader(bytes.NewReader(src)), len(src))
	case kgo.CodecZstd:
		out, err := d.zstd.DecodeAll(src, nil)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) || len(out) > d.max {
			return nil, kgo.ErrMaxDecompress
		}
		return out, err
	default:
		return nil, fmt.Errorf("unknown compression codec %d", codec)
	}
}

func (d *decompressor) readAll(r io.Reader, compressed int) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, min(4*compressed+512, d.max)))
	n, err := out.ReadFrom(io.LimitReader(r, int64(d.max)+1))
	if err != nil {
		return nil, err
	}
	if n > int64(d.max) {
		return nil, kgo.ErrMaxDecompress
	}
	return out.Bytes(), nil
}

func (d *decompressor) snappy(src []byte) ([]byte, error) {
	if len(src) <= 16 || !bytes.HasPrefix(src, snappyFrame) {
		return d.snappyBlock(nil, src)
	}
	var out []byte
	for rest := src[16:]; len(rest) > 0; {
		if len(rest) < 4 {
			return nil, errFraming
		}
		n := binary.BigEndian.Uint32(rest)
		rest = rest[4:]
		if uint64(n) > uint64(len(rest)) {
			return nil, errFraming
		}
		var err error
		if out, err = d.snappyBlock(out, rest[:n]); err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	return out, nil
}

// snappyBlock appends a block's content to out. The length that the block claims is checked before
// anything is allocated.
func (d *decompressor) snappyBlock(out, block []byte) ([]byte, error) {
	n, err := s2.DecodedLen(block)
	if err != nil {
		return nil, err
	}
	if n > d.max-len(out) {
		return nil, kgo.ErrMaxDecompress
	}
	at := len(out)
	out = append(out, make([]byte, n)...)
	if _, err := s2.Decode(out[at:], block); err != nil {
		return nil, err
	}
	return out, nil
}
