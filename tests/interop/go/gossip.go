package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

const (
	topicName = "interop"
	tag       = "micro/gossip/message/v1"
)

// What micro calls a message: SHA-256 of tag, length of topic, topic and data, cut to 20 bytes.
func contentID(message *pb.Message) string {
	bytes := binary.LittleEndian.AppendUint32([]byte(tag), uint32(len(message.GetTopic())))
	bytes = append(append(bytes, message.GetTopic()...), message.GetData()...)
	hash := sha256.Sum256(bytes)
	return string(hash[:20])
}

// gossip is a node of the gossip cases; ../README.md describes its commands.
func gossip(address, policy string) error {
	node, err := libp2p.New(libp2p.ListenAddrStrings(address), libp2p.NoTransports,
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		return err
	}
	defer node.Close()
	ctx := context.Background()
	var options []pubsub.Option
	if policy != "sign" {
		options = []pubsub.Option{pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
			pubsub.WithMessageIdFn(contentID)}
	}
	router, err := pubsub.NewGossipSub(ctx, node, options...)
	if err != nil {
		return err
	}
	topic, err := router.Join(topicName)
	if err != nil {
		return err
	}
	subscription, err := topic.Subscribe(pubsub.WithBufferSize(1024))
	if err != nil {
		return err
	}
	go func() {
		for {
			message, err := subscription.Next(ctx)
			if err != nil {
				return
			}
			if message.ReceivedFrom != node.ID() {
				name, _, _ := strings.Cut(string(message.Data), ".")
				fmt.Printf("got %s %d\n", name, len(message.Data))
			}
		}
	}()
	fmt.Printf("ready %s/p2p/%s\n", node.Addrs()[0], node.ID())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch words[0] {
		case "dial":
			info, err := peer.AddrInfoFromString(words[1])
			if err == nil {
				err = node.Connect(ctx, *info)
			}
			if err != nil {
				fmt.Println("failed", strings.ReplaceAll(err.Error(), "\n", " "))
			} else {
				fmt.Println("done")
			}
		case "publish":
			size, _ := strconv.Atoi(words[1])
			text := words[2] + strings.Repeat(".", max(0, size-len(words[2])))
			if err := topic.Publish(ctx, []byte(text)); err != nil {
				fmt.Println("wrong", strings.ReplaceAll(err.Error(), "\n", " "))
			}
		}
	}
	return nil
}
