// SPDX-License-Identifier: MIT

// Interop checks what vidimus writes with code that shares no line with it: the signed notes and
// the Merkle tree of the Go project, golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog.
//
//	interop note FILE VKEY...           prints which of these keys signed FILE
//	interop bundle DIR LEDGER-VKEY...   an unpacked bundle: checkpoint, entries, proofs, seal
//	interop tree < LINES                roots and proofs made elsewhere, in bulk
//
// It looks at bytes, signatures and places in the tree. Which key was allowed to sign when, the
// records and the documents follow rules of vidimus alone, which Go cannot confirm.
//
// Exit status: 0 all is good, 1 the first thing that is not (named on stderr), 2 wrong usage.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const usage = "usage: interop note FILE VKEY... | bundle DIR LEDGER-VKEY... | tree < LINES"

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) > 2 && args[0] == "note":
		err = checkNote(args[1], args[2:])
	case len(args) > 2 && args[0] == "bundle":
		err = checkBundle(args[1], args[2:])
	case len(args) == 1 && args[0] == "tree":
		err = checkTree(os.Stdin)
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

// ---- note -------------------------------------------------------------------------------------

// checkNote prints the verified signers, written as an entry's head writes them: name+id. The id
// tells an old ledger key from a new one, which bear the same name.
func checkNote(file string, vkeys []string) error {
	keys, err := verifiers(vkeys)
	if err != nil {
		return err
	}
	_, signed, err := readNote(file, keys)
	if err != nil {
		return err
	}
	for _, sig := range signed.Sigs {
		fmt.Printf("%s+%08x\n", sig.Name, sig.Hash)
	}
	return nil
}

func verifiers(vkeys []string) ([]note.Verifier, error) {
	var keys []note.Verifier
	for _, vkey := range vkeys {
		key, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", vkey, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func readNote(file string, keys []note.Verifier) (msg []byte, signed *note.Note, err error) {
	if msg, err = os.ReadFile(file); err != nil {
		return nil, nil, err
	}
	signed, err = note.Open(msg, note.VerifierList(keys...))
	return msg, signed, err
}

// ---- bundle -----------------------------------------------------------------------------------

// A bundle is what is known of it so far: the tree head, which the reader's ledger key vouches for,
// and the keys, which entries in that tree name.
type bundle struct {
	dir        string
	checkpoint []byte // the whole note: every proof must end in these bytes
	origin     string
	tree       tlog.Tree
	keys       map[string]note.Verifier // by name+id, as in an entry's signer line
}

func checkBundle(dir string, ledgerKeys []string) error {
	b := bundle{dir: dir, keys: make(map[string]note.Verifier)}
	if err := b.checkCheckpoint(ledgerKeys); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	entries, err := numbered(b.path("entries"), "")
	if err != nil {
		return err
	}
	proofs, err := numbered(b.path("proofs"), ".tlog-proof")
	if err != nil {
		return err
	}
	// Rising order, as in the archive: a key is named in an entry before the first that it signs.
	for _, n := range entries {
		if err := b.checkEntry(n); err != nil {
			return fmt.Errorf("entry %06d: %w", n, err)
		}
	}
	// Each entry has found its proof; one left over would prove an entry that is not here.
	if len(proofs) != len(entries) {
		return fmt.Errorf("%d entries, but %d proofs", len(entries), len(proofs))
	}
	if err := b.checkSeal(); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	fmt.Printf("entries=%d proofs=%d checkpoint=ok seal=ok\n", len(entries), len(proofs))
	return nil
}

func (b *bundle) checkCheckpoint(ledgerKeys []string) error {
	keys, err := verifiers(ledgerKeys)
	if err != nil {
		return err
	}
	msg, signed, err := readNote(b.path("checkpoint"), keys)
	if err != nil {
		return err
	}
	// ParseTree knows this format under the first line of Go's own log only: lend it that line.
	origin, rest, _ := strings.Cut(signed.Text, "\n")
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	b.checkpoint, b.origin, b.tree = msg, origin, tree
	return err
}

func (b *bundle) checkEntry(n int64) error {
	msg, err := os.ReadFile(b.path("entries", fmt.Sprintf("%06d", n)))
	if err != nil {
		return err
	}
	// Genesis names the key that it is signed with. That alone would prove nothing: its place in
	// the tree, under the reader's ledger key, does.
	if n == 0 {
		if err := b.learn(string(msg), "authority", "ledger-key"); err != nil {
			return err
		}
	}
	signer := field(string(msg), "signer")
	key, ok := b.keys[signer]
	if !ok {
		return fmt.Errorf("no entry before it names the key of its signer %q", signer)
	}
	signed, err := note.Open(msg, note.VerifierList(key))
	if err != nil {
		return err
	}
	proof, err := b.readProof(n)
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	// The leaf is the whole note: its signature line cannot be exchanged either.
	if err := tlog.CheckRecord(proof, b.tree.N, b.tree.Hash, n, tlog.RecordHash(msg)); err != nil {
		return err
	}
	if strings.HasPrefix(signed.Text, "vidimus/key/") {
		return b.learn(signed.Text, "key")
	}
	return nil
}

// learn adds the keys that these fields of an entry hold.
func (b *bundle) learn(text string, fields ...string) error {
	for _, name := range fields {
		key, err := note.NewVerifier(field(text, name))
		if err != nil {
			return fmt.Errorf("%s %q: %w", name, field(text, name), err)
		}
		b.keys[fmt.Sprintf("%s+%08x", key.Name(), key.KeyHash())] = key
	}
	return nil
}

// readProof reads a c2sp.org/tlog-proof@v1 file: a line with the index, a line for each hash, an
// empty line, and the checkpoint, which must be the bundle's own.
func (b *bundle) readProof(n int64) (tlog.RecordProof, error) {
	data, err := os.ReadFile(b.path("proofs", fmt.Sprintf("%06d.tlog-proof", n)))
	if err != nil {
		return nil, err
	}
	head, checkpoint, _ := bytes.Cut(data, []byte("\n\n"))
	if !bytes.Equal(checkpoint, b.checkpoint) {
		return nil, errors.New("it ends in another checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", n) {
		return nil, fmt.Errorf("it does not open as a proof of index %d", n)
	}
	return parseHashes(lines[2:])
}

// checkSeal: any key that the entries name may have made it; what it seals must be what lies here.
func (b *bundle) checkSeal() error {
	var keys []note.Verifier
	for _, key := range b.keys {
		keys = append(keys, key)
	}
	_, signed, err := readNote(b.path("seal"), keys)
	if err != nil {
		return err
	}
	selection, err := digest(b.path("selection"))
	if err != nil {
		return err
	}
	tagmanifest, err := digest(filepath.Join(b.dir, "tagmanifest-sha256.txt"))
	if err != nil {
		return err
	}
	for _, want := range []struct{ key, value string }{
		{"ledger", b.origin},
		{"checkpoint", fmt.Sprintf("%d %s", b.tree.N, b.tree.Hash)},
		{"selection", selection},
		{"tagmanifest", tagmanifest},
	} {
		if got := field(signed.Text, want.key); got != want.value {
			return fmt.Errorf("%s is %q here, %q in the seal", want.key, want.value, got)
		}
	}
	return nil
}

func (b *bundle) path(elem ...string) string {
	return filepath.Join(append([]string{b.dir, "vidimus"}, elem...)...)
}

// numbered lists the files of a folder by number: names have at least six digits, so that the order
// of names is not that of numbers from the millionth entry on.
func numbered(dir, suffix string) ([]int64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int64
	for _, file := range files {
		n, err := strconv.ParseInt(strings.TrimSuffix(file.Name(), suffix), 10, 64)
		if err != nil || file.Name() != fmt.Sprintf("%06d%s", n, suffix) {
			return nil, fmt.Errorf("%s: not a number of six digits or more", filepath.Join(dir, file.Name()))
		}
		numbers = append(numbers, n)
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	return numbers, nil
}

// field is the value of the first line with this key, or "". No value holds a line feed, so what
// looks like a line is one.
func field(text, key string) string {
	for _, line := range strings.Split(text, "\n") {
		if name, value, ok := strings.Cut(line, " "); ok && name == key {
			return value
		}
	}
	return ""
}

func digest(file string) (string, error) {
	data, err := os.ReadFile(file)
	return fmt.Sprintf("sha256:%x", sha256.Sum256(data)), err
}

// ---- tree -------------------------------------------------------------------------------------

// A tree grows as leaves are read. It keeps every hash in the order of tlog.StoredHashIndex.
type tree struct {
	hashes []tlog.Hash

	leaves, roots, inclusion, consistency int64
}

// checkTree reads lines and checks each against the leaves that stand before it:
//
//	leaf <base64 of the data>              (nothing after `leaf`: empty data)
//	root <size> <hash>
//	inclusion <index> <size> <hash>...
//	consistency <from size, 1 or more> <to size> <hash>...
func checkTree(in io.Reader) error {
	var t tree
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20) // a leaf has at most 65,535 bytes, an eighth of this in base64
	for number := 1; lines.Scan(); number++ {
		if err := t.checkLine(strings.Fields(lines.Text())); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	fmt.Printf("leaves=%d roots=%d inclusion=%d consistency=%d\n", t.leaves, t.roots, t.inclusion, t.consistency)
	return nil
}

func (t *tree) checkLine(words []string) error {
	switch {
	case len(words) > 0 && len(words) < 3 && words[0] == "leaf":
		return t.addLeaf(strings.Join(words[1:], ""))
	case len(words) == 3 && words[0] == "root":
		return t.checkRoot(words[1], words[2])
	case len(words) > 2 && words[0] == "inclusion":
		return t.checkInclusion(words[1], words[2], words[3:])
	case len(words) > 2 && words[0] == "consistency":
		return t.checkConsistency(words[1], words[2], words[3:])
	}
	return errors.New("not a leaf, root, inclusion or consistency line")
}

func (t *tree) addLeaf(data string) error {
	leaf, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return err
	}
	hashes, err := tlog.StoredHashes(t.leaves, leaf, t)
	if err != nil {
		return err
	}
	t.hashes = append(t.hashes, hashes...)
	t.leaves++
	return nil
}

func (t *tree) checkRoot(sizeWord, hash string) error {
	_, root, err := t.head(sizeWord)
	if err != nil {
		return err
	}
	if root.String() != hash {
		return fmt.Errorf("the root of size %s is %s, not %s", sizeWord, root, hash)
	}
	t.roots++
	return nil
}

func (t *tree) checkInclusion(indexWord, sizeWord string, hashes []string) error {
	index, err := parseNumber(indexWord)
	if err != nil {
		return err
	}
	size, root, err := t.head(sizeWord)
	if err != nil {
		return err
	}
	if index >= size {
		return fmt.Errorf("no leaf %d in a tree of %d", index, size)
	}
	proof, err := parseHashes(hashes)
	if err != nil {
		return err
	}
	leaf := t.hashes[tlog.StoredHashIndex(0, index)]
	if err := tlog.CheckRecord(proof, size, root, index, leaf); err != nil {
		return fmt.Errorf("inclusion of %d in %d: %w", index, size, err)
	}
	t.inclusion++
	return nil
}

func (t *tree) checkConsistency(fromWord, toWord string, hashes []string) error {
	from, fromRoot, err := t.head(fromWord)
	if err != nil {
		return err
	}
	to, toRoot, err := t.head(toWord)
	if err != nil {
		return err
	}
	proof, err := parseHashes(hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, to, toRoot, from, fromRoot); err != nil {
		return fmt.Errorf("consistency of %d with %d: %w", from, to, err)
	}
	t.consistency++
	return nil
}

// head is the tree's size and root after its first leaves.
func (t *tree) head(sizeWord string) (size int64, root tlog.Hash, err error) {
	if size, err = parseNumber(sizeWord); err != nil {
		return 0, root, err
	}
	if size > t.leaves {
		return 0, root, fmt.Errorf("size %d, but only %d leaves before this line", size, t.leaves)
	}
	if size == 0 { // RFC 9162: the hash of nothing; tlog does not define it
		return 0, sha256.Sum256(nil), nil
	}
	root, err = tlog.TreeHash(size, t)
	return size, root, err
}

// ReadHashes makes a tree the tlog.HashReader of its own hashes.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = t.hashes[index]
	}
	return found, nil
}

// ---- words ------------------------------------------------------------------------------------

// parseNumber takes the one decimal form of a number: no sign, no leading zero.
func parseNumber(word string) (int64, error) {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || n < 0 || word != strconv.FormatInt(n, 10) {
		return 0, fmt.Errorf("%q is not a number", word)
	}
	return n, nil
}

func parseHashes(words []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(words))
	for i, word := range words {
		hash, err := tlog.ParseHash(word)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", word, err)
		}
		hashes[i] = hash
	}
	return hashes, nil
}
