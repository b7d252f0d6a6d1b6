// Numbers and texts against the most naive arithmetic.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <variant>

#include "p2p/wire/base_n.hpp"
#include "p2p/wire/multiaddr.hpp"
#include "p2p/wire/protobuf.hpp"
#include "p2p/wire/varint.hpp"

namespace micro::p2p {
namespace {

// Long division of the whole number, digit by digit.
std::string naive_base(std::string_view alphabet, Bytes number) {
  std::string text;
  const std::size_t zeros =
      static_cast<std::size_t>(std::ranges::find_if(number, [](std::uint8_t b) { return b != 0; }) - number.begin());
  while (std::ranges::any_of(number, [](std::uint8_t b) { return b != 0; })) {
    unsigned rest = 0;
    for (std::uint8_t& byte : number) {
      const unsigned here = rest * 256 + byte;
      byte = static_cast<std::uint8_t>(here / alphabet.size());
      rest = static_cast<unsigned>(here % alphabet.size());
    }
    text.insert(text.begin(), alphabet[rest]);
  }
  return std::string(zeros, alphabet[0]) + text;
}

Bytes short_bytes() {
  Bytes bytes = *rc::gen::arbitrary<Bytes>();
  bytes.resize(std::min<std::size_t>(bytes.size(), 48));
  if (*rc::gen::inRange(0, 4) == 0 && !bytes.empty()) bytes[0] = 0;
  return bytes;
}

RC_GTEST_PROP(BaseN, PrintsAsLongDivisionDoes, ()) {
  const Bytes bytes = short_bytes();
  RC_ASSERT(to_base58(bytes) == naive_base("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", bytes));
  RC_ASSERT(to_base36(bytes) == naive_base("0123456789abcdefghijklmnopqrstuvwxyz", bytes));
}

RC_GTEST_PROP(BaseN, ReadsBackWhatItPrints, ()) {
  const Bytes bytes = short_bytes();
  RC_ASSERT(from_base58(to_base58(bytes)).value() == bytes);
  RC_ASSERT(from_base36(to_base36(bytes)).value() == bytes);
  RC_ASSERT(from_base32(to_base32(bytes)).value() == bytes);
}

RC_GTEST_PROP(Varint, ComesBackFromEveryPrefix, (std::uint64_t number)) {
  const std::uint64_t value = number >> *rc::gen::inRange(1, 64);
  Bytes bytes;
  append_varint(bytes, value);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) RC_ASSERT(!read_varint(ByteView(bytes).first(cut)).value());
  RC_ASSERT(read_varint(bytes).value()->value == value);
}

RC_GTEST_PROP(Protobuf, FieldsComeBackInOrder, ()) {
  const auto fields = *rc::gen::arbitrary<std::vector<std::uint16_t>>();
  ProtoWriter writer;
  std::vector<std::pair<std::uint32_t, std::variant<std::uint64_t, Bytes>>> written;
  for (const std::uint16_t number : fields) {
    const std::uint32_t field = number + 1U;
    if (*rc::gen::arbitrary<bool>()) {
      const auto value = *rc::gen::arbitrary<std::uint64_t>();
      writer.varint(field, value);
      written.emplace_back(field, value);
    } else {
      const Bytes value = short_bytes();
      writer.bytes(field, value);
      written.emplace_back(field, value);
    }
  }
  ProtoReader reader(writer.view());
  for (const auto& [number, value] : written) {
    const auto field = reader.next().value();
    RC_ASSERT(field.has_value());
    RC_ASSERT(field->number == number);
    if (const auto* integer = std::get_if<std::uint64_t>(&value)) {
      RC_ASSERT(proto_number(*field).value() == *integer);
    } else {
      RC_ASSERT(to_bytes(proto_bytes(*field).value()) == std::get<Bytes>(value));
    }
  }
  RC_ASSERT(!reader.next().value().has_value());
}

RC_GTEST_PROP(Multiaddr, TextAndBytesNameTheSameAddress, ()) {
  std::string text;
  const int parts = *rc::gen::inRange(1, 8);
  for (int n = 0; n < parts; ++n) {
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        text +=
            "/ip4/" + std::to_string(*rc::gen::inRange(0, 256)) + ".0.2." + std::to_string(*rc::gen::inRange(0, 256));
        break;
      case 1:
        text += "/tcp/" + std::to_string(*rc::gen::inRange(0, 65536));
        break;
      case 2:
        text += "/p2p/" + PeerId::of_encoded_key(*rc::gen::nonEmpty(rc::gen::arbitrary<Bytes>())).text();
        break;
      case 3:
        text += "/dns/a" + std::to_string(*rc::gen::inRange(0, 1000)) + ".example.com";
        break;
      case 4:
        text += "/ip6/2001:db8::" + std::to_string(*rc::gen::inRange(1, 10));
        break;
      default:
        text += "/quic-v1";
    }
  }
  const auto address = Multiaddr::parse(text).value();
  RC_ASSERT(address.text() == text);
  RC_ASSERT(Multiaddr::from(address.bytes()).value() == address);
  RC_ASSERT(address.parts().size() == static_cast<std::size_t>(parts));
}

}  // namespace
}  // namespace micro::p2p
