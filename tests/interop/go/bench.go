// What go-libp2p talking to itself takes, measured as tests/bench/p2p measures ours: "figure NAME VALUE".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

const (
	measureTime = 3 * time.Second
	callBytes   = 64
	dialers     = 16
)

func serveBench(node host.Host) {
	node.SetStreamHandler("/bench/echo/1", func(stream network.Stream) {
		if _, err := io.CopyBuffer(struct{ io.Writer }{stream}, stream, make([]byte, chunkBytes)); err == nil {
			stream.Close()
		}
	})
	node.SetStreamHandler("/bench/count/1", func(stream network.Stream) {
		count, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, stream, make([]byte, chunkBytes))
		if err == nil {
			stream.Write([]byte(strconv.FormatInt(count, 10)))
			stream.Close()
		}
	})
}

func benchBulk(node host.Host, to peer.ID, goOn func() bool) (float64, error) {
	stream, err := node.NewStream(context.Background(), to, "/bench/count/1")
	if err != nil {
		return 0, err
	}
	chunk := make([]byte, chunkBytes)
	start := time.Now()
	sent := 0
	for goOn() {
		if _, err := stream.Write(chunk); err != nil {
			return 0, err
		}
		sent += chunkBytes
	}
	stream.CloseWrite()
	said, err := io.ReadAll(stream)
	if err == nil && string(said) != strconv.Itoa(sent) {
		err = fmt.Errorf("%s of %d bytes came", said, sent)
	}
	return float64(sent) / time.Since(start).Seconds(), err
}

func benchCalls(node host.Host, to peer.ID, name string) error {
	stream, err := node.NewStream(context.Background(), to, "/bench/echo/1")
	if err != nil {
		return err
	}
	defer stream.Reset()
	message, back := make([]byte, callBytes), make([]byte, callBytes)
	var took []time.Duration
	for start := time.Now(); time.Since(start) < measureTime; {
		before := time.Now()
		if _, err := stream.Write(message); err != nil {
			return err
		}
		if _, err := io.ReadFull(stream, back); err != nil {
			return err
		}
		took = append(took, time.Since(before))
	}
	slices.Sort(took)
	fmt.Printf("figure %s_p50_us %.3f\n", name, float64(took[len(took)/2].Nanoseconds())/1e3)
	fmt.Printf("figure %s_p99_us %.3f\n", name, float64(took[len(took)*99/100].Nanoseconds())/1e3)
	return nil
}

// The connection itself, without waiting for identify, and each dialer with a key of its own.
func benchHandshakes(info *peer.AddrInfo, makeNode func() (host.Host, error)) error {
	var done atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range dialers {
		node, err := makeNode()
		if err != nil {
			return err
		}
		defer node.Close()
		node.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Since(start) < measureTime {
				connection, err := node.Network().(*swarm.Swarm).DialPeer(context.Background(), info.ID)
				if err != nil {
					continue
				}
				done.Add(1)
				connection.Close()
			}
		}()
	}
	group.Wait()
	fmt.Printf("figure handshakes_per_s %.3f\n", float64(done.Load())/time.Since(start).Seconds())
	return nil
}

func bench(node host.Host, address string, makeNode func() (host.Host, error)) error {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	if err := node.Connect(context.Background(), *info); err != nil {
		return err
	}
	start := time.Now()
	rate, err := benchBulk(node, info.ID, func() bool { return time.Since(start) < measureTime })
	if err != nil {
		return err
	}
	fmt.Printf("figure bulk %.3f\n", rate)
	if err := benchCalls(node, info.ID, "rpc"); err != nil {
		return err
	}
	var stop atomic.Bool
	background := make(chan error, 1)
	go func() {
		_, err := benchBulk(node, info.ID, func() bool { return !stop.Load() })
		background <- err
	}()
	err = benchCalls(node, info.ID, "rpc_under_bulk")
	stop.Store(true)
	return errors.Join(err, <-background, benchHandshakes(info, makeNode))
}
