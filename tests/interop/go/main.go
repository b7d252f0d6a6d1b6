// The go-libp2p side; ../README.md describes the protocols and the lines it prints.
//
//	interop listen|dial|bench ADDRESS Ed25519|secp256k1
//	interop kad ADDRESS
//	interop gossip ADDRESS nosign|sign
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

const (
	echoStreams = 64
	echoBytes   = 1024 * 1024
	slowBytes   = 24 * 1024 * 1024
	perfBytes   = 16 * 1024 * 1024
	chunkBytes  = 64 * 1024
	caseTime    = 240 * time.Second
)

// state is what handlers share; changed wakes those who wait for it.
type state struct {
	mutex   sync.Mutex
	changed *sync.Cond
	resets  int
	gate    bool
}

func (s *state) wait(test func() bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for !test() {
		s.changed.Wait()
	}
}

func (s *state) change(change func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change()
	s.changed.Broadcast()
}

func writeMany(stream network.Stream, count int) error {
	chunk := bytes.Repeat([]byte{7}, chunkBytes)
	for ; count > 0; count -= chunkBytes {
		if _, err := stream.Write(chunk[:min(chunkBytes, count)]); err != nil {
			return err
		}
	}
	return nil
}

func bigEndian(value int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(value)) }

func answerAfterEnd(stream network.Stream) {
	count, err := io.Copy(io.Discard, stream)
	if err != nil {
		return
	}
	stream.Write(bigEndian(count))
	stream.Close()
}

func answer(stream network.Stream) {
	byteRead := make([]byte, 1)
	if _, err := io.ReadFull(stream, byteRead); err == nil {
		stream.Write(byteRead)
	}
	stream.Close()
}

func serve(node host.Host) {
	s := &state{}
	s.changed = sync.NewCond(&s.mutex)
	node.SetStreamHandler("/test/echo/1", func(stream network.Stream) {
		if _, err := io.CopyBuffer(struct{ io.Writer }{stream}, stream, make([]byte, chunkBytes)); err == nil {
			stream.Close()
		}
	})
	node.SetStreamHandler("/test/half-close/1", answerAfterEnd)
	node.SetStreamHandler("/test/reset/1", func(stream network.Stream) {
		io.ReadFull(stream, make([]byte, 1))
		stream.Reset()
	})
	node.SetStreamHandler("/test/was-reset/1", func(stream network.Stream) {
		first := make([]byte, 1)
		io.ReadFull(stream, first)
		stream.Write(first)
		if _, err := io.Copy(io.Discard, stream); err != nil {
			s.change(func() { s.resets++ })
		}
	})
	node.SetStreamHandler("/test/resets/1", func(stream network.Stream) {
		s.wait(func() bool { return s.resets > 0 })
		s.change(func() { s.resets-- })
		answer(stream)
	})
	node.SetStreamHandler("/test/slow/1", func(stream network.Stream) {
		s.wait(func() bool { return s.gate })
		s.change(func() { s.gate = false })
		answerAfterEnd(stream)
	})
	node.SetStreamHandler("/test/gate/1", func(stream network.Stream) {
		s.change(func() { s.gate = true })
		answer(stream)
	})
	node.SetStreamHandler("/test/pushed/1", func(stream network.Stream) {
		updates, err := node.EventBus().Subscribe(new(event.EvtPeerProtocolsUpdated))
		if err != nil {
			return
		}
		defer updates.Close()
		for {
			spoken, _ := node.Peerstore().GetProtocols(stream.Conn().RemotePeer())
			if slices.Contains(spoken, protocol.ID("/test/new/1")) {
				break
			}
			<-updates.Out()
		}
		answer(stream)
	})
	node.SetStreamHandler("/perf/1.0.0", func(stream network.Stream) {
		wanted := make([]byte, 8)
		if _, err := io.ReadFull(stream, wanted); err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, stream); err != nil {
			return
		}
		if writeMany(stream, int(binary.BigEndian.Uint64(wanted))) == nil {
			stream.Close()
		}
	})
}

type try struct {
	node host.Host
	peer peer.ID
	ctx  context.Context
	said *event.EvtPeerIdentificationCompleted
}

func (t try) open(name protocol.ID) (network.Stream, error) {
	return t.node.NewStream(t.ctx, t.peer, name)
}

func (t try) ask(name protocol.ID) error {
	stream, err := t.open(name)
	if err != nil {
		return err
	}
	defer stream.Close()
	if _, err := stream.Write([]byte("q")); err != nil {
		return err
	}
	_, err = io.ReadFull(stream, make([]byte, 1))
	return err
}

func expectCount(stream network.Stream, count int64) error {
	said, err := io.ReadAll(stream)
	if err != nil {
		return err
	}
	if !bytes.Equal(said, bigEndian(count)) {
		return fmt.Errorf("the answer is %x", said)
	}
	return nil
}

func (t try) ping() error {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	results := ping.Ping(ctx, t.node, t.peer)
	for range 3 {
		if result := <-results; result.Error != nil {
			return result.Error
		}
	}
	return nil
}

func (t try) identify() error {
	if t.said.AgentVersion != "micro-interop" {
		return fmt.Errorf("agent %q", t.said.AgentVersion)
	}
	if !slices.Contains(t.said.Protocols, protocol.ID("/test/echo/1")) {
		return errors.New("a protocol is missing")
	}
	if t.said.ObservedAddr == nil || len(t.said.ListenAddrs) == 0 || t.said.SignedPeerRecord == nil {
		return errors.New("an address or the signed record is missing")
	}
	return nil
}

func (t try) push() error {
	t.node.SetStreamHandler("/test/new/1", func(stream network.Stream) { stream.Reset() })
	return t.ask("/test/pushed/1")
}

func (t try) echoOne(number int) error {
	stream, err := t.open("/test/echo/1")
	if err != nil {
		return err
	}
	sent := make([]byte, echoBytes)
	for at := range sent {
		sent[at] = byte(number*31 + at*7 + at>>8)
	}
	go func() {
		stream.Write(sent)
		stream.CloseWrite()
	}()
	back, err := io.ReadAll(stream)
	if err != nil {
		return err
	}
	if !bytes.Equal(sent, back) {
		return errors.New("an echo came back changed")
	}
	return nil
}

func (t try) echo() error {
	results := make(chan error, echoStreams)
	for number := range echoStreams {
		go func() { results <- t.echoOne(number) }()
	}
	var all error
	for range echoStreams {
		all = errors.Join(all, <-results)
	}
	return all
}

func (t try) halfClose() error {
	stream, err := t.open("/test/half-close/1")
	if err != nil {
		return err
	}
	if err := writeMany(stream, 100_000); err != nil {
		return err
	}
	stream.CloseWrite()
	return expectCount(stream, 100_000)
}

func (t try) reset() error {
	stream, err := t.open("/test/reset/1")
	if err != nil {
		return err
	}
	stream.Write([]byte("x"))
	if _, err := io.ReadAll(stream); err == nil {
		return errors.New("no reset came")
	}
	ours, err := t.open("/test/was-reset/1")
	if err != nil {
		return err
	}
	ours.Write([]byte("x"))
	io.ReadFull(ours, make([]byte, 1))
	ours.Reset()
	return t.ask("/test/resets/1")
}

func (t try) slowReader() error {
	stream, err := t.open("/test/slow/1")
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() { written <- writeMany(stream, slowBytes) }()
	for range 20 {
		if err := t.ping(); err != nil {
			return err
		}
	}
	select {
	case <-written:
		return errors.New("a reader that does not read took everything")
	default:
	}
	if err := t.ask("/test/gate/1"); err != nil {
		return err
	}
	if err := <-written; err != nil {
		return err
	}
	stream.CloseWrite()
	return expectCount(stream, slowBytes)
}

func (t try) perf() error {
	stream, err := t.open("/perf/1.0.0")
	if err != nil {
		return err
	}
	stream.Write(bigEndian(perfBytes))
	if err := writeMany(stream, perfBytes); err != nil {
		return err
	}
	stream.CloseWrite()
	count, err := io.Copy(io.Discard, stream)
	if err == nil && count != perfBytes {
		err = fmt.Errorf("%d bytes came", count)
	}
	return err
}

func dial(node host.Host, address string) error {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	identified, err := node.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return err
	}
	if err := node.Connect(context.Background(), *info); err != nil {
		return err
	}
	said := (<-identified.Out()).(event.EvtPeerIdentificationCompleted)
	cases := []struct {
		name string
		run  func(try) error
	}{{"ping", try.ping}, {"identify", try.identify}, {"push", try.push}, {"echo", try.echo},
		{"half-close", try.halfClose}, {"reset", try.reset}, {"slow-reader", try.slowReader}, {"perf", try.perf}}
	for _, one := range cases {
		ctx, cancel := context.WithTimeout(context.Background(), caseTime)
		done := make(chan error, 1)
		go func() { done <- one.run(try{node: node, peer: info.ID, ctx: ctx, said: &said}) }()
		select {
		case err = <-done:
		case <-ctx.Done():
			err = errors.New("took too long")
		}
		cancel()
		if err == nil {
			fmt.Printf("case %s ok\n", one.name)
		} else {
			fmt.Printf("case %s failed: %s\n", one.name, strings.ReplaceAll(err.Error(), "\n", " "))
		}
	}
	return nil
}

func makeNode(keyType string, listen libp2p.Option) (host.Host, error) {
	kind := crypto.Ed25519
	if keyType == "secp256k1" {
		kind = crypto.Secp256k1
	}
	key, _, err := crypto.GenerateKeyPairWithReader(kind, 256, rand.Reader)
	if err != nil {
		return nil, err
	}
	return libp2p.New(listen, libp2p.Identity(key), libp2p.NoTransports, libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New), libp2p.Muxer(yamux.ID, yamux.DefaultTransport), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
}

func run(mode, address, keyType string) error {
	listen := libp2p.NoListenAddrs
	if mode == "listen" {
		listen = libp2p.ListenAddrStrings(address)
	}
	node, err := makeNode(keyType, listen)
	if err != nil {
		return err
	}
	defer node.Close()
	serve(node)
	serveBench(node)
	if mode == "bench" {
		return bench(node, address, func() (host.Host, error) { return makeNode(keyType, libp2p.NoListenAddrs) })
	}
	if mode != "listen" {
		return dial(node, address)
	}
	fmt.Printf("ready %s/p2p/%s\n", node.Addrs()[0], node.ID())
	io.Copy(io.Discard, os.Stdin)
	return nil
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "kad" {
		if err := kad(os.Args[2]); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "interop listen|dial|bench ADDRESS Ed25519|secp256k1, gossip ADDRESS nosign|sign, or kad ADDRESS")
		os.Exit(2)
	}
	var err error
	if os.Args[1] == "gossip" {
		err = gossip(os.Args[2], os.Args[3])
	} else {
		err = run(os.Args[1], os.Args[2], os.Args[3])
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}
