#include "p2p/gossip/rpc.hpp"

#include "p2p/gossip/params.hpp"
#include "p2p/wire/identity.hpp"
#include "p2p/wire/protobuf.hpp"

namespace micro::p2p {
namespace {

Result<ByteView> limited(const ProtoField& field, std::size_t max_bytes) {
  const ByteView bytes = TRY(proto_bytes(field));
  if (bytes.size() > max_bytes) return fail(Fault::kLimit, "a part of an RPC is too long");
  return bytes;
}

Result<std::string_view> topic_of(const ProtoField& field) {
  return as_text(TRY(limited(field, kMaxTopicBytes)));
}

template <class Item>
Status add(std::vector<Item>& list, std::size_t most, Item item) {
  if (list.size() >= most) return fail(Fault::kLimit, "an RPC lists too much");
  list.push_back(std::move(item));
  return {};
}

Status no_more(bool is_there) {
  if (is_there) return fail(Fault::kInvalid, "a field that may be there once is there twice");
  return {};
}

// Counts ids over a whole frame, wherever they stand.
class RpcReader {
 public:
  explicit RpcReader(RpcView& out) : out_(out) {}

  Status subscription(ByteView bytes) {
    SubscriptionView one;
    ProtoReader reader(bytes);
    while (const auto field = TRY(reader.next())) {
      if (field->number == 1) one.subscribe = TRY(proto_number(*field)) != 0;
      if (field->number == 2) one.topic = TRY(topic_of(*field));
    }
    return add(out_.subscriptions, kMaxRpcSubscriptions, one);
  }

  Status control(ByteView bytes) {
    ProtoReader reader(bytes);
    while (const auto field = TRY(reader.next())) {
      if (field->number > 5) continue;
      const ByteView part = TRY(proto_bytes(*field));
      switch (field->number) {
        case 1:
          TRY(ihave(part));
          break;
        case 2:
          TRY(ids(part, 1, out_.iwants));
          break;
        case 3:
          TRY(graft(part));
          break;
        case 4:
          TRY(prune(part));
          break;
        default:
          TRY(ids(part, 1, out_.dont_wants));
      }
    }
    return {};
  }

 private:
  Status id(const ProtoField& field, std::vector<ByteView>& list) {
    if (++ids_ > kMaxRpcIds) return fail(Fault::kLimit, "an RPC names too many messages");
    list.push_back(TRY(limited(field, kMaxMessageIdBytes)));
    return {};
  }

  Status ids(ByteView bytes, std::uint32_t number, std::vector<ByteView>& list) {
    ProtoReader reader(bytes);
    while (const auto field = TRY(reader.next())) {
      if (field->number == number) TRY(id(*field, list));
    }
    return {};
  }

  Status ihave(ByteView bytes) {
    IhaveView one;
    ProtoReader reader(bytes);
    while (const auto field = TRY(reader.next())) {
      if (field->number == 1) one.topic = TRY(topic_of(*field));
      if (field->number == 2) TRY(id(*field, one.ids));
    }
    return add(out_.ihaves, kMaxRpcControls, std::move(one));
  }

  Status graft(ByteView bytes) {
    std::string_view topic;
    ProtoReader reader(bytes);
    while (const auto field = TRY(reader.next())) {
      if (field->number == 1) topic = TRY(topic_of(*field));
    }
    return add(out_.grafts, kMaxRpcControls, topic);
  }

  Status prune(ByteView bytes) {
    PruneView one;
    ProtoReader reader(bytes);
    while (const auto field = TRY(reader.next())) {
      if (field->number == 1) one.topic = TRY(topic_of(*field));
      if (field->number == 2) TRY(add(one.peers, kMaxPrunePeers, TRY(suggested(TRY(proto_bytes(*field))))));
      if (field->number == 3) one.backoff_s = TRY(proto_number(*field));
    }
    return add(out_.prunes, kMaxRpcControls, std::move(one));
  }

  static Result<SuggestedPeerView> suggested(ByteView bytes) {
    SuggestedPeerView one;
    ProtoReader reader(bytes);
    while (const auto field = TRY(reader.next())) {
      if (field->number == 1) one.peer = TRY(limited(*field, kMaxMessageIdBytes));
      if (field->number == 2) one.record = TRY(limited(*field, kMaxPxRecordBytes));
    }
    return one;
  }

  RpcView& out_;
  std::size_t ids_ = 0;
};

Bytes encode_ids(const std::vector<ByteView>& ids) {
  ProtoWriter writer;
  for (const ByteView id : ids) writer.bytes(1, id);
  return writer.take();
}

Bytes encode_prune(const PruneView& prune) {
  ProtoWriter writer;
  writer.text(1, prune.topic);
  for (const SuggestedPeerView& one : prune.peers) {
    ProtoWriter peer;
    peer.bytes(1, one.peer);
    if (!one.record.empty()) peer.bytes(2, one.record);
    writer.bytes(2, peer.view());
  }
  if (prune.backoff_s) writer.varint(3, *prune.backoff_s);
  return writer.take();
}

Bytes encode_control(const RpcView& rpc) {
  ProtoWriter writer;
  for (const IhaveView& one : rpc.ihaves) {
    ProtoWriter ihave;
    ihave.text(1, one.topic);
    for (const ByteView id : one.ids) ihave.bytes(2, id);
    writer.bytes(1, ihave.view());
  }
  if (!rpc.iwants.empty()) writer.bytes(2, encode_ids(rpc.iwants));
  for (const std::string_view topic : rpc.grafts) {
    ProtoWriter graft;
    graft.text(1, topic);
    writer.bytes(3, graft.view());
  }
  for (const PruneView& one : rpc.prunes) writer.bytes(4, encode_prune(one));
  if (!rpc.dont_wants.empty()) writer.bytes(5, encode_ids(rpc.dont_wants));
  return writer.take();
}

}  // namespace

Result<MessageView> decode_message(ByteView message) {
  MessageView out;
  bool has_data = false;
  bool has_topic = false;
  ProtoReader reader(message);
  while (const auto field = TRY(reader.next())) {
    switch (field->number) {
      case 1:
        TRY(no_more(out.from.has_value()));
        out.from = TRY(limited(*field, kMaxMessageIdBytes));
        break;
      case 2:
        TRY(no_more(std::exchange(has_data, true)));
        out.data = TRY(limited(*field, kMaxGossipDataBytes));
        break;
      case 3:
        TRY(no_more(out.sequence.has_value()));
        out.sequence = TRY(limited(*field, 8));
        break;
      case 4:
        TRY(no_more(std::exchange(has_topic, true)));
        out.topic = TRY(topic_of(*field));
        break;
      case 5:
        TRY(no_more(out.signature.has_value()));
        out.signature = TRY(limited(*field, kMaxSignatureBytes));
        break;
      case 6:
        TRY(no_more(out.key.has_value()));
        out.key = TRY(limited(*field, kMaxEncodedKeyBytes));
        break;
      default:
        break;
    }
  }
  if (!has_topic) return fail(Fault::kInvalid, "a message without a topic");
  return out;
}

Bytes encode_message(const MessageView& message) {
  ProtoWriter writer;
  if (message.from) writer.bytes(1, *message.from);
  writer.bytes(2, message.data);
  if (message.sequence) writer.bytes(3, *message.sequence);
  writer.text(4, message.topic);
  if (message.signature) writer.bytes(5, *message.signature);
  if (message.key) writer.bytes(6, *message.key);
  return writer.take();
}

Result<RpcView> decode_rpc(ByteView frame) {
  if (frame.size() > kMaxRpcBytes) return fail(Fault::kLimit, "an RPC is too long");
  RpcView out;
  RpcReader parts(out);
  ProtoReader reader(frame);
  while (const auto field = TRY(reader.next())) {
    if (field->number > 3) continue;
    const ByteView part = TRY(proto_bytes(*field));
    if (field->number == 1) TRY(parts.subscription(part));
    if (field->number == 2) TRY(add(out.messages, kMaxRpcMessages, TRY(decode_message(part))));
    if (field->number == 3) TRY(parts.control(part));
  }
  return out;
}

Bytes encode_rpc(const RpcView& rpc) {
  ProtoWriter writer;
  for (const SubscriptionView& one : rpc.subscriptions) {
    ProtoWriter subscription;
    subscription.varint(1, one.subscribe ? 1 : 0);
    subscription.text(2, one.topic);
    writer.bytes(1, subscription.view());
  }
  for (const MessageView& one : rpc.messages) writer.bytes(2, encode_message(one));
  const Bytes control = encode_control(rpc);
  if (!control.empty()) writer.bytes(3, control);
  return writer.take();
}

}  // namespace micro::p2p
