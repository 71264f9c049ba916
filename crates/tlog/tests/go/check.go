// Checks a log directory with golang.org/x/mod/sumdb, which shares no code with the writer.
//
//	check [-since FILE] [-witness VKEY] [-proofs DIR] [-consistency FILE] [-sign SKEY] DIR VKEY
//
// It prints what it checked and ends with 0, or prints the first fault and ends with 1.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

var (
	since       = flag.String("since", "", "an earlier checkpoint that the log must begin with")
	witness     = flag.String("witness", "", "key of a witness that must have cosigned")
	proofs      = flag.String("proofs", "", "folder of proof files to check")
	consistency = flag.String("consistency", "", "file with a proof from the earlier checkpoint")
	sign        = flag.String("sign", "", "secret key to sign the checkpoint again with")
)

func main() {
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := check(flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func check(dir, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("key: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(text, verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %v", err)
	}
	if *witness != "" {
		if err := checkWitness(text, *witness); err != nil {
			return fmt.Errorf("witness: %v", err)
		}
	}
	reader := tlog.TileHashReader(tree, tiles(dir))
	if err := checkRoot(tree, reader); err != nil {
		return fmt.Errorf("root: %v", err)
	}
	if *since != "" {
		if err := checkSince(tree, reader, verifier); err != nil {
			return fmt.Errorf("since: %v", err)
		}
	}
	if err := checkEntries(dir, tree, reader); err != nil {
		return err
	}
	sampled, err := checkSample(tree, reader)
	if err != nil {
		return fmt.Errorf("sample: %v", err)
	}
	files, err := checkProofs(dir, verifier)
	if err != nil {
		return fmt.Errorf("proofs: %v", err)
	}
	if *sign != "" {
		if err := checkSigner(text, *sign); err != nil {
			return fmt.Errorf("sign: %v", err)
		}
	}
	fmt.Printf("entries %d, sampled %d, proof files %d\n", tree.N, sampled, files)
	return nil
}

// open checks the log's signature and reads the three lines of the checkpoint.
func open(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	n, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("not three lines of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func checkRoot(tree tlog.Tree, reader tlog.HashReader) error {
	root, err := tlog.TreeHash(tree.N, reader)
	if err == nil && root != tree.Hash {
		err = fmt.Errorf("the tiles give %v", root)
	}
	return err
}

func checkSince(tree tlog.Tree, reader tlog.HashReader, verifier note.Verifier) error {
	text, err := os.ReadFile(*since)
	if err != nil {
		return err
	}
	older, err := open(text, verifier)
	if err != nil {
		return err
	}
	if older.N > tree.N {
		return fmt.Errorf("rolled back from %d to %d", older.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, older.N, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
		return err
	}
	if *consistency == "" {
		return nil
	}
	file, err := os.ReadFile(*consistency)
	if err != nil {
		return err
	}
	given, err := hashes(strings.Fields(string(file)))
	if err != nil {
		return err
	}
	return tlog.CheckTree(given, tree.N, tree.Hash, older.N, older.Hash)
}

// checkEntries reads every entry: against the hash in its tile, and all of them against the root.
func checkEntries(dir string, tree tlog.Tree, reader tlog.HashReader) error {
	var stored []tlog.Hash
	rebuilt := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			list[i] = stored[x]
		}
		return list, nil
	})
	for first := int64(0); first < tree.N; first += tileWidth {
		width := tree.N - first
		if width > tileWidth {
			width = tileWidth
		}
		path := strings.Replace(tilePath(0, first/tileWidth, int(width)), "tile/0/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return err
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		want, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("%s ends before entry %d", path, first+i)
			}
			length := 2 + int(binary.BigEndian.Uint16(bundle))
			entry := bundle[2:length]
			bundle = bundle[length:]
			if tlog.RecordHash(entry) != want[i] {
				return fmt.Errorf("entry %d is not the one in the tree", first+i)
			}
			added, err := tlog.StoredHashes(first+i, entry, rebuilt)
			if err != nil {
				return err
			}
			stored = append(stored, added...)
		}
		if len(bundle) > 0 {
			return fmt.Errorf("%s goes on after entry %d", path, first+width-1)
		}
	}
	return checkRoot(tree, rebuilt)
}

// checkSample makes proofs of inclusion from the tiles for a few hundred entries.
func checkSample(tree tlog.Tree, reader tlog.HashReader) (int, error) {
	count := 0
	for n := int64(0); n < tree.N; n += 1 + tree.N/500 {
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return count, err
		}
		leaf, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return count, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf[0]); err != nil {
			return count, fmt.Errorf("entry %d: %v", n, err)
		}
		count++
	}
	return count, nil
}

// checkProofs reads the proof files that the log wrote: NUMBER.tlog-proof beside NUMBER.entry.
func checkProofs(dir string, verifier note.Verifier) (int, error) {
	if *proofs == "" {
		return 0, nil
	}
	files, err := filepath.Glob(filepath.Join(*proofs, "*.tlog-proof"))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		if err := checkProof(file, verifier); err != nil {
			return 0, fmt.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
	return len(files), nil
}

func checkProof(file string, verifier note.Verifier) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(strings.TrimSuffix(file, ".tlog-proof") + ".entry")
	if err != nil {
		return err
	}
	parts := bytes.SplitN(text, []byte("\n\n"), 2)
	lines := strings.Split(string(parts[0]), "\n")
	if len(parts) != 2 || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a proof file")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	proof, err := hashes(lines[2:])
	if err != nil {
		return err
	}
	tree, err := open(parts[1], verifier)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func hashes(lines []string) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(lines))
	for i, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		list[i] = hash
	}
	return list, nil
}

// checkSigner signs the text again: Ed25519 gives one signature for one text.
func checkSigner(text []byte, skey string) error {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	body := text[:bytes.LastIndex(text, []byte("\n\n"))+1]
	signed, err := note.Sign(&note.Note{Text: string(body)}, signer)
	if err == nil && !bytes.HasPrefix(text, signed) {
		err = fmt.Errorf("another signature than the log's")
	}
	return err
}

// checkWitness checks a cosignature (c2sp.org/tlog-cosignature), which x/mod does not know.
func checkWitness(text []byte, vkey string) error {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return fmt.Errorf("not a key")
	}
	id, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return fmt.Errorf("not the key of a witness")
	}
	n, err := note.Open(text, note.VerifierList(cosigner{parts[0], uint32(id), key[1:]}))
	if err == nil && len(n.Sigs) != 1 {
		err = fmt.Errorf("%d cosignatures", len(n.Sigs))
	}
	return err
}

type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.id }

func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

// tiles is a folder with the paths of c2sp.org/tlog-tiles.
type tiles string

func (dir tiles) Height() int                     { return tileHeight }
func (dir tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(list))
	for i, tile := range list {
		octets, err := os.ReadFile(filepath.Join(string(dir), tilePath(tile.L, tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		data[i] = octets
	}
	return data, nil
}

// tilePath is x/mod's path without the height, which C2SP fixes at 8.
func tilePath(level int, n int64, width int) string {
	path := tlog.Tile{H: tileHeight, L: level, N: n, W: width}.Path()
	return strings.Replace(path, "tile/8/", "tile/", 1)
}
