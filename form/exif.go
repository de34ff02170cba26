package form

import (
	"bytes"
	"encoding/binary"
)

// orientationOf reads how a camera was held from the head of a JPEG: the tag 0x0112 of the first directory in the segment
// Exif (CIPA DC-008-2019 4.6). Anything else is 1, upright: nothing else of it is read, and nothing of it is kept.
func orientationOf(head []byte) int {
	if len(head) < 4 || head[0] != 0xff || head[1] != 0xd8 {
		return 1
	}
	for head = head[2:]; len(head) >= 4 && head[0] == 0xff; {
		marker, length := head[1], int(binary.BigEndian.Uint16(head[2:]))
		if marker == 0xda || length < 2 || len(head) < 2+length { // the pixels begin
			return 1
		}
		if segment := head[4 : 2+length]; marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return orientationIn(segment[6:])
		}
		head = head[2+length:]
	}
	return 1
}

// orientationIn reads the first directory of a TIFF head.
func orientationIn(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:2]) {
	case "MM":
		order = binary.BigEndian
	case "II":
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x0112 {
			if n := int(order.Uint16(entries[8:])); n >= 1 && n <= 8 {
				return n
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
