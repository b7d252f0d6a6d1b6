// A node of the Kademlia cases; ../kad.py says what to do on its input.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multihash"
)

const searchTime = 60 * time.Second

func searched(table *dht.IpfsDHT, words []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), searchTime)
	defer cancel()
	switch words[0] {
	case "table":
		return fmt.Sprint(table.RoutingTable().Size()), nil
	case "connect":
		info, err := peer.AddrInfoFromString(words[1])
		if err != nil {
			return "", err
		}
		return "", table.Host().Connect(ctx, *info)
	case "find":
		id, err := peer.Decode(words[1])
		if err != nil {
			return "", err
		}
		info, err := table.FindPeer(ctx, id)
		if err != nil {
			return "", err
		}
		addresses := make([]string, 0, len(info.Addrs))
		for _, address := range info.Addrs {
			addresses = append(addresses, address.String())
		}
		return strings.Join(addresses, ","), nil
	}
	name, err := hex.DecodeString(words[1])
	if err != nil {
		return "", err
	}
	hash, err := multihash.Cast(name)
	if err != nil {
		return "", err
	}
	content := cid.NewCidV1(cid.Raw, hash)
	if words[0] == "provide" {
		return "", table.Provide(ctx, content, true)
	}
	var who []string
	for info := range table.FindProvidersAsync(ctx, content, 1) {
		who = append(who, info.ID.String())
	}
	slices.Sort(who)
	return strings.Join(who, ","), nil
}

func kad(address string) error {
	key, _, err := crypto.GenerateKeyPairWithReader(crypto.Ed25519, 256, rand.Reader)
	if err != nil {
		return err
	}
	node, err := libp2p.New(libp2p.ListenAddrStrings(address), libp2p.Identity(key), libp2p.NoTransports,
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		return err
	}
	defer node.Close()
	table, err := dht.New(node, dht.Mode(dht.ModeServer),
		dht.V1ProtocolOverride("/micro/kad/1.0.0"), dht.DisableAutoRefresh())
	if err != nil {
		return err
	}
	fmt.Printf("ready %s/p2p/%s\n", node.Addrs()[0], node.ID())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		said, err := searched(table, strings.Fields(lines.Text()))
		if err != nil {
			fmt.Println("failed", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Println("done", said)
	}
	return nil
}
