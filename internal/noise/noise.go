// Package noise keeps what is copied for a while in files that are noise to everybody but this process: each has a random key
// that is written nowhere. It protects what such a file holds from whoever finds the disk, or what a kill has left.
package noise

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"os"
)

// A File is a file whose key only this process has. AES in counter mode under a key that is used for one file is enough: what
// comes out is held against a hash that was taken when it went in. Each place may be written once. It is safe for concurrent
// use as far as [os.File] is.
type File struct {
	file  *os.File
	block cipher.Block
}

// New takes an open, empty file, which stays the caller's to close and to remove.
func New(f *os.File) *File {
	var key [32]byte
	_, _ = rand.Read(key[:])          // never fails
	block, _ := aes.NewCipher(key[:]) // nor does a key of this length
	return &File{f, block}
}

// crypt encrypts or decrypts what stands at a place of the file.
func (f *File) crypt(p []byte, at int64) {
	var counter, skip [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], uint64(at)/aes.BlockSize)
	stream := cipher.NewCTR(f.block, counter[:])
	stream.XORKeyStream(skip[:at%aes.BlockSize], skip[:at%aes.BlockSize])
	stream.XORKeyStream(p, p)
}

// Put writes p at a place of the file. What p holds afterwards is noise.
func (f *File) Put(p []byte, at int64) error {
	f.crypt(p, at)
	_, err := f.file.WriteAt(p, at)
	return err
}

// ReadAt implements [io.ReaderAt].
func (f *File) ReadAt(p []byte, at int64) (int, error) {
	read, err := f.file.ReadAt(p, at)
	f.crypt(p[:read], at)
	return read, err
}
