// The one codec: Borsh layout (https://borsh.io) with a strict decoder. The same bytes are hashed, signed, sent, stored
// and handed to the policy.
//
//   integers little-endian · bool 0 or 1 · u32 length before bytes, text and lists · optional 0 or 1‖value ·
//   variant u8 index‖value · structs field by field · maps sorted by key without duplicates
//
// A struct takes part by naming its members in order:
//   struct Transfer { Address to; Amount amount; static constexpr auto kFields = fields<&Transfer::to, …>; };
// A list or text carries its limit in its type (List<T, Max>, Text<Max>, Blob<Max>), checked before anything is
// allocated.
#pragma once

#include <array>
#include <concepts>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "chain/base/bytes.hpp"
#include "chain/base/fixed_bytes.hpp"
#include "chain/base/quantity.hpp"
#include "chain/codec/fixed_layout.hpp"

namespace micro {

/// Bytes of at most Max.
template <std::size_t Max>
struct Blob : Bytes {
  using Bytes::Bytes;
  Blob() = default;
  explicit Blob(Bytes bytes) : Bytes(std::move(bytes)) {}
  explicit Blob(ByteView bytes) : Bytes(bytes.begin(), bytes.end()) {}
  static constexpr std::size_t kMax = Max;
  operator ByteView() const { return {data(), size()}; }  // NOLINT
};

/// Text of at most Max bytes of valid UTF-8.
template <std::size_t Max>
struct Text : std::string {
  using std::string::string;
  Text() = default;
  explicit Text(std::string text) : std::string(std::move(text)) {}
  static constexpr std::size_t kMax = Max;
};

/// At most Max items in the order given.
template <class T, std::size_t Max>
struct List : std::vector<T> {
  using std::vector<T>::vector;
  static constexpr std::size_t kMax = Max;
};

/// At most Max entries, ascending by key.
template <class K, class V, std::size_t Max>
struct SortedMap : std::map<K, V> {
  using std::map<K, V>::map;
  static constexpr std::size_t kMax = Max;
};

bool is_valid_utf8(std::string_view text);

namespace codec_detail {
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_variant : std::false_type {};
template <class... T>
struct is_variant<std::variant<T...>> : std::true_type {};
template <class T>
struct is_blob : std::false_type {};
template <std::size_t N>
struct is_blob<Blob<N>> : std::true_type {};
template <class T>
struct is_text : std::false_type {};
template <std::size_t N>
struct is_text<Text<N>> : std::true_type {};
template <class T>
struct is_list : std::false_type {};
template <class T, std::size_t N>
struct is_list<List<T, N>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class K, class V, std::size_t N>
struct is_map<SortedMap<K, V, N>> : std::true_type {};
}  // namespace codec_detail

class Encoder {
 public:
  template <class T>
  Encoder& put(const T& v) {
    using namespace codec_detail;
    if constexpr (fixed_size<T>() != 0) {
      std::array<std::uint8_t, fixed_size<T>()> bytes;
      write_fixed(bytes.data(), v);
      raw(bytes);
    } else if constexpr (is_optional<T>::value) {
      put(v.has_value());
      if (v) put(*v);
    } else if constexpr (is_variant<T>::value) {
      put(static_cast<std::uint8_t>(v.index()));
      std::visit([this](const auto& alternative) { this->put(alternative); }, v);
    } else if constexpr (is_blob<T>::value) {
      put(static_cast<std::uint32_t>(v.size()));
      raw({v.data(), v.size()});
    } else if constexpr (is_text<T>::value) {
      put(static_cast<std::uint32_t>(v.size()));
      raw(as_bytes(v));
    } else if constexpr (is_list<T>::value) {
      put(static_cast<std::uint32_t>(v.size()));
      for (const auto& item : v) put(item);
    } else if constexpr (is_map<T>::value) {
      put(static_cast<std::uint32_t>(v.size()));
      for (const auto& [key, value] : v) put(key).put(value);
    } else {
      static_assert(HasFields<T>, "the type names no kFields");
      put_fields<0>(v);
    }
    return *this;
  }
  Encoder& raw(ByteView bytes) {
    if (bytes.empty()) return *this;
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  [[nodiscard]] const Bytes& bytes() const { return out_; }
  Bytes take() { return std::move(out_); }
  /// Starts over in the same memory.
  Encoder& clear() {
    out_.clear();
    return *this;
  }

 private:
  template <std::size_t I, class T>
  void put_fields(const T& v) {
    using namespace codec_detail;
    constexpr FixedRun run = fixed_run<T, I>();
    if constexpr (run.fields != 0) {
      std::array<std::uint8_t, run.bytes> bytes;
      std::uint8_t* end = bytes.data();
      [&]<std::size_t... J>(std::index_sequence<J...>) {
        ((end = write_fixed(end, v.*std::get<I + J>(kMembers<T>))), ...);
      }(std::make_index_sequence<run.fields>{});
      raw(bytes);
      put_fields<I + run.fields>(v);
    } else if constexpr (I < kFieldCount<T>) {
      put(v.*std::get<I>(kMembers<T>));
      put_fields<I + 1>(v);
    }
  }
  Bytes out_;
};

/// Reads exactly what an Encoder writes and refuses everything else.
class Decoder {
 public:
  explicit Decoder(ByteView bytes) : rest_(bytes) {}

  template <class T>
  Status get(T& v) {
    if constexpr (codec_detail::fixed_size<T>() != 0) {
      constexpr std::size_t size = codec_detail::fixed_size<T>();
      if (rest_.size() >= size && codec_detail::read_fixed(rest_.data(), v)) {
        rest_ = rest_.subspan(size);
        return {};
      }
    }
    return get_parts(v);  // which says what is wrong with bytes that are no T
  }
  Result<ByteView> take(std::size_t n) {
    if (n > rest_.size()) return fail(Fault::kInvalid, "ends too early");
    const ByteView head = rest_.first(n);
    rest_ = rest_.subspan(n);
    return head;
  }
  Status finish() const {
    if (!rest_.empty()) return fail(Fault::kInvalid, std::to_string(rest_.size()) + " bytes after the end");
    return {};
  }
  [[nodiscard]] ByteView rest() const { return rest_; }

 private:
  template <class T>
  Status get_parts(T& v) {
    using namespace codec_detail;
    if constexpr (std::same_as<T, bool>) {
      std::uint8_t b = 0;
      TRY(get(b));
      if (b > 1) return fail(Fault::kInvalid, "a bool is 0 or 1");
      v = b == 1;
    } else if constexpr (std::integral<T>) {
      const ByteView b = TRY(take(sizeof(T)));
      std::make_unsigned_t<T> u = 0;
      for (std::size_t i = sizeof(T); i-- > 0;) {
        if constexpr (sizeof(T) > 1) u = static_cast<std::make_unsigned_t<T>>(u << 8);
        u = static_cast<std::make_unsigned_t<T>>(u | b[i]);
      }
      v = static_cast<T>(u);
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> raw = 0;
      TRY(get(raw));
      v = static_cast<T>(raw);
      if (!is_known(v)) return fail(Fault::kInvalid, "unknown enumerator " + std::to_string(raw));
    } else if constexpr (is_fixed<T>::value) {
      const ByteView b = TRY(take(T::kSize));
      std::memcpy(v.data.data(), b.data(), T::kSize);
    } else if constexpr (is_quantity<T>::value) {
      TRY(get(v.value));
    } else if constexpr (is_optional<T>::value) {
      bool present = false;
      TRY(get(present));
      v.reset();
      if (present) TRY(get(v.emplace()));
    } else if constexpr (is_variant<T>::value) {
      TRY(get_variant(v, std::make_index_sequence<std::variant_size_v<T>>{}));
    } else if constexpr (is_blob<T>::value) {
      const ByteView b = TRY(take(TRY(length(T::kMax, 1))));
      v.assign(b.begin(), b.end());
    } else if constexpr (is_text<T>::value) {
      const ByteView b = TRY(take(TRY(length(T::kMax, 1))));
      if (!is_valid_utf8(as_text(b))) return fail(Fault::kInvalid, "text is not UTF-8");
      v.assign(as_text(b));
    } else if constexpr (is_list<T>::value) {
      const std::size_t n = TRY(length(T::kMax, 1));
      v.clear();
      v.reserve(n);
      for (std::size_t i = 0; i < n; ++i) TRY(get(v.emplace_back()));
    } else if constexpr (is_map<T>::value) {
      TRY(get_map(v));
    } else {
      static_assert(HasFields<T>, "the type names no kFields");
      return get_fields<0>(v);
    }
    return {};
  }
  template <std::size_t I, class T>
  Status get_fields(T& v) {
    using namespace codec_detail;
    constexpr FixedRun run = fixed_run<T, I>();
    if constexpr (I == kFieldCount<T>) {
      return {};
    } else if constexpr (run.fields > 1) {
      const bool whole = rest_.size() >= run.bytes && [&]<std::size_t... J>(std::index_sequence<J...>) {
        const std::uint8_t* at = rest_.data();
        const auto next = [&](auto& field) {
          const bool known = read_fixed(at, field);
          at += fixed_size<std::remove_cvref_t<decltype(field)>>();
          return known;
        };
        return (next(v.*std::get<I + J>(kMembers<T>)) && ...);
      }(std::make_index_sequence<run.fields>{});
      if (whole) {
        rest_ = rest_.subspan(run.bytes);
        return get_fields<I + run.fields>(v);
      }
    }
    if constexpr (I < kFieldCount<T>) {
      TRY(get(v.*std::get<I>(kMembers<T>)));
      return get_fields<I + 1>(v);
    }
  }
  Result<std::size_t> length(std::size_t max, std::size_t min_item_size) {
    std::uint32_t n = 0;
    TRY(get(n));
    if (n > max) return fail(Fault::kLimit, "length " + std::to_string(n) + " is over " + std::to_string(max));
    if (n * min_item_size > rest_.size()) return fail(Fault::kInvalid, "ends too early");
    return n;
  }
  template <class V, std::size_t... I>
  Status get_variant(V& v, std::index_sequence<I...>) {
    std::uint8_t index = 0;
    TRY(get(index));
    Status status = fail(Fault::kInvalid, "unknown variant " + std::to_string(index));
    ((index == I ? void(status = get(v.template emplace<I>())) : void()), ...);
    return status;
  }
  template <class M>
  Status get_map(M& v) {
    const std::size_t n = TRY(length(M::kMax, 1));
    v.clear();
    for (std::size_t i = 0; i < n; ++i) {
      typename M::key_type key{};
      TRY(get(key));
      if (!v.empty() && !(v.rbegin()->first < key)) return fail(Fault::kInvalid, "map keys are not ascending");
      TRY(get(v.emplace_hint(v.end(), std::move(key), typename M::mapped_type{})->second));
    }
    return {};
  }
  ByteView rest_;
};

template <class T>
Bytes encode(const T& v) {
  Encoder e;
  e.put(v);
  return e.take();
}

/// The whole input is one T, or an error.
template <class T>
Result<T> decode(ByteView bytes) {
  Decoder d(bytes);
  T v{};
  TRY(d.get(v));
  TRY(d.finish());
  return v;
}

}  // namespace micro
