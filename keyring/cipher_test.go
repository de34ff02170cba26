package keyring_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"testing"

	"github.com/merlon-web/merlon/keyring"
)

// TestABoxIsAES256GCM opens a box by hand: whoever has the key and the standard library needs nothing of this room.
func TestABoxIsAES256GCM(t *testing.T) {
	sealed, err := keyring.Memory("one").Seal("test/a", []byte("hello"), []byte("row 7"))
	if err != nil {
		t.Fatal(err)
	}
	root := sha256.Sum256([]byte("merlon/keyring/v1/memory\x00" + "1\x00" + "one"))
	key, err := hkdf.Key(sha256.New, root[:], nil, "merlon/keyring/v1\x00seal\x00test/a", 32) // 256 bits
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	const id, nonce = 4, 12
	plain, err := gcm.Open(nil, sealed[id:id+nonce], sealed[id+nonce:], []byte("row 7"))
	if err != nil || string(plain) != "hello" {
		t.Errorf("by hand: %q, %v", plain, err)
	}
}
