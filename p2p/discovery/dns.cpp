#include "p2p/discovery/dns.hpp"

#include <algorithm>

namespace micro::p2p {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kIsAnswer = 0x8000;
constexpr std::uint16_t kOpcode = 0x7800;
constexpr std::uint16_t kCutOff = 0x0200;
constexpr std::uint16_t kResultCode = 0x000f;
constexpr std::uint16_t kNoSuchName = 3;
constexpr std::uint16_t kTxt = 16;
constexpr std::uint16_t kOpt = 41;
constexpr std::uint16_t kInternet = 1;
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::uint8_t kPointer = 0xc0;

void put16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

Result<Bytes> encoded_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxDnsNameBytes) return fail(Fault::kInvalid, "no name to ask for");
  Bytes out;
  while (!name.empty()) {
    const std::size_t size = std::min(name.find('.'), name.size());
    if (size == 0 || size > kMaxLabelBytes || size + 1 == name.size())
      return fail(Fault::kInvalid, "no name to ask for");
    out.push_back(static_cast<std::uint8_t>(size));
    out.insert(out.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(size));
    name.remove_prefix(std::min(size + 1, name.size()));
  }
  out.push_back(0);
  return out;
}

class DnsReader {
 public:
  explicit DnsReader(ByteView message) : message_(message) {}
  Result<std::uint16_t> u16() {
    const ByteView two = TRY(take(2));
    return static_cast<std::uint16_t>(two[0] << 8 | two[1]);
  }
  Result<ByteView> take(std::size_t bytes) {
    if (bytes > message_.size() - at_) return fail(Fault::kInvalid, "an answer of DNS is cut off");
    const ByteView out = message_.subspan(at_, bytes);
    at_ += bytes;
    return out;
  }
  // Over a name; where it points to does not matter.
  Status skip_name() {
    while (true) {
      const std::uint8_t size = TRY(take(1))[0];
      if (size == 0) return {};
      if ((size & kPointer) == kPointer)
        return take(1) ? Status() : fail(Fault::kInvalid, "an answer of DNS is cut off");
      if (size > kMaxLabelBytes) return fail(Fault::kInvalid, "a label of DNS is too long");
      (void)TRY(take(size));
    }
  }

 private:
  ByteView message_;
  std::size_t at_ = 0;
};

Result<std::string> joined_texts(ByteView data) {
  std::string out;
  while (!data.empty()) {
    const std::size_t size = data[0];
    if (size + 1 > data.size()) return fail(Fault::kInvalid, "a text of DNS is cut off");
    out += as_text(data.subspan(1, size));
    if (out.size() > kMaxTxtBytes) return fail(Fault::kLimit, "a text of DNS is too long");
    data = data.subspan(size + 1);
  }
  return out;
}

// Letters of either case are the same name.
bool is_same_name(ByteView a, ByteView b) {
  const auto lower = [](std::uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

Result<Bytes> txt_question(std::uint16_t id, std::string_view name) {
  const Bytes encoded = TRY(encoded_name(name));
  Bytes out;
  put16(out, id);
  put16(out, kRecursionDesired);
  for (const unsigned count : {1U, 0U, 0U, 1U}) put16(out, static_cast<std::uint16_t>(count));
  out.insert(out.end(), encoded.begin(), encoded.end());
  put16(out, kTxt);
  put16(out, kInternet);
  out.push_back(0);  // OPT: the root's name, and how much we take in place of a class
  put16(out, kOpt);
  put16(out, static_cast<std::uint16_t>(kMaxDnsAnswerBytes));
  for (int n = 0; n < 3; ++n) put16(out, 0);
  return out;
}

Result<std::vector<std::string>> txt_answer(std::uint16_t id, std::string_view name, ByteView message) {
  if (message.size() < kHeaderBytes || message.size() > kMaxDnsAnswerBytes) return fail(Fault::kInvalid, "no answer");
  const Bytes asked = TRY(encoded_name(name));
  DnsReader reader(message);
  const std::uint16_t said_id = TRY(reader.u16());
  const std::uint16_t flags = TRY(reader.u16());
  const std::uint16_t questions = TRY(reader.u16());
  const std::uint16_t answers = TRY(reader.u16());
  (void)TRY(reader.take(4));
  if (said_id != id || (flags & kIsAnswer) == 0 || (flags & kOpcode) != 0 || questions != 1) {
    return fail(Fault::kInvalid, "an answer to something else");
  }
  if (!is_same_name(TRY(reader.take(asked.size())), asked)) return fail(Fault::kInvalid, "an answer to something else");
  if (TRY(reader.u16()) != kTxt || TRY(reader.u16()) != kInternet) {
    return fail(Fault::kInvalid, "an answer to something else");
  }
  if ((flags & kResultCode) == kNoSuchName) return fail(Fault::kNotFound, "there is no name " + std::string(name));
  if ((flags & kResultCode) != 0) return fail(Fault::kUnreachable, "the name server could not find out");
  if ((flags & kCutOff) != 0) return fail(Fault::kLimit, "the name has too many records");
  std::vector<std::string> out;
  for (std::size_t n = 0; n < answers && n < kMaxDnsRecords; ++n) {
    TRY(reader.skip_name());
    const std::uint16_t type = TRY(reader.u16());
    (void)TRY(reader.take(6));  // its class, and for how long
    const std::uint16_t size = TRY(reader.u16());
    const ByteView data = TRY(reader.take(size));
    if (type == kTxt) out.push_back(TRY(joined_texts(data)));  // an alias stands before the records of what it names
  }
  return out;
}

}  // namespace micro::p2p
