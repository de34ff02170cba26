package backup

import (
	"crypto/sha256"
	"strings"
)

// fingerprintWords is how many words a fingerprint has: 64 bits of the hash. It is compared by eye; whoever wanted another key
// with the same words would have to make about 2^64 of them.
const fingerprintWords = 8

// Fingerprint returns eight words of the SHA-256 of a public key, for people to compare.
func Fingerprint(public string) string {
	sum := sha256.Sum256([]byte("merlon/backup/fingerprint/v1\x00" + public))
	words := make([]string, fingerprintWords)
	for i := range words {
		words[i] = wordList[sum[i]]
	}
	return strings.Join(words, "-")
}

// wordList is one word for each byte. It never changes: printed kits hold fingerprints.
var wordList = strings.Fields(`
acid acorn actor agent album alley amber anchor angel ankle apple apron arena arrow atlas attic
autumn bacon badge badger baker bamboo banjo barrel basil beach beaver beetle bench berry bishop blanket
blossom bonfire border bottle bread brick bridge broom bubble bucket buffalo butter button cabin cactus camel
candle canoe canyon carbon cargo carpet castle cedar cellar cherry chess chimney cider circus clover coast
cobalt coffee comet copper coral cotton cougar cradle crane crater cricket crystal cupboard curtain daisy dancer
desert diamond dinner dolphin donkey dragon drawer driver eagle easel echo elbow elm ember engine envelope
falcon farmer feather fennel ferry fiddle finger flag flame flute forest fossil fountain frost galaxy garden
garlic gazelle geyser ginger glacier globe gondola grape gravel guitar hammer harbor harvest hazel heron hollow
honey hornet igloo indigo island ivory jacket jaguar jasmine jelly jungle kayak kettle kitten ladder lagoon
lantern lemon lentil library lily lion lizard lobster locket lumber magnet mango maple marble meadow melon
mirror mitten monkey mosaic muffin mustard napkin nectar needle nickel nutmeg oasis ocean olive onion opal
orange orchid otter oyster paddle palace panda paper parrot pasture peach pebble pelican pencil pepper piano
pigeon pillow pilot planet plaza pocket pony poplar prairie pumpkin puzzle quartz quill rabbit radish raven
ribbon river rocket saddle saffron salmon sandal scarlet seagull shadow silver sketch spider spruce squash stable
statue summer sunset tailor temple thistle thunder ticket tiger timber tomato tractor trumpet tulip tunnel turtle
umbrella valley vanilla velvet violin volcano wagon walnut walrus whistle willow winter wizard yogurt zebra zipper`)
