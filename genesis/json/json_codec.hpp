// Our types as JSON, both ways, from one list of names a type.
//
//   amounts "12.500000" tokens · 64-bit integers decimal text · smaller integers numbers · hashes, keys and ids hex ·
//   addresses bech32m · blobs base64 · enumerators by name · variants {"kind": name, …} · absent optionals left out
//
// A struct takes part either inside, MICRO_JSON(Type, a, b), or from outside, MICRO_JSON_OF(Type, a, b) at namespace
// micro.
#pragma once

#include <limits>

#include "chain/codec/codec.hpp"
#include "chain/types/address.hpp"
#include "chain/types/amount.hpp"
#include "genesis/json/base64.hpp"
#include "genesis/json/strict_json.hpp"

// clang-format off
#define MICRO_JSON_PARENS ()
#define MICRO_JSON_EXPAND(...) MICRO_JSON_EXPAND3(MICRO_JSON_EXPAND3(MICRO_JSON_EXPAND3(__VA_ARGS__)))
#define MICRO_JSON_EXPAND3(...) MICRO_JSON_EXPAND2(MICRO_JSON_EXPAND2(MICRO_JSON_EXPAND2(__VA_ARGS__)))
#define MICRO_JSON_EXPAND2(...) MICRO_JSON_EXPAND1(MICRO_JSON_EXPAND1(MICRO_JSON_EXPAND1(__VA_ARGS__)))
#define MICRO_JSON_EXPAND1(...) __VA_ARGS__
#define MICRO_JSON_EACH(macro, type, ...) __VA_OPT__(MICRO_JSON_EXPAND(MICRO_JSON_STEP(macro, type, __VA_ARGS__)))
#define MICRO_JSON_STEP(macro, type, first, ...) \
  macro(type, first) __VA_OPT__(, MICRO_JSON_AGAIN MICRO_JSON_PARENS (macro, type, __VA_ARGS__))
#define MICRO_JSON_AGAIN() MICRO_JSON_STEP
#define MICRO_JSON_POINTER(type, name) &type::name
#define MICRO_JSON_NAME(type, name) std::string_view(#name)
#define MICRO_JSON_LISTS(Type, ...)                                                                  \
  static constexpr auto kJsonFields = std::tuple{MICRO_JSON_EACH(MICRO_JSON_POINTER, Type, __VA_ARGS__)}; \
  static constexpr std::array<std::string_view, std::tuple_size_v<decltype(kJsonFields)>> kJsonNames{       \
      MICRO_JSON_EACH(MICRO_JSON_NAME, Type, __VA_ARGS__)};
#define MICRO_JSON(Type, ...) MICRO_JSON_LISTS(Type, __VA_ARGS__)
#define MICRO_JSON_OF(Type, ...)                                                                      \
  template <> struct JsonOf<Type> {                                                                   \
    MICRO_JSON_LISTS(Type, __VA_ARGS__)                                                               \
    static_assert(std::tuple_size_v<decltype(kJsonFields)> == decltype(Type::kFields)::kCount, #Type); \
  };
/// Enumerators with their names in JSON: MICRO_JSON_ENUM(Round, {Round::kFloor, "floor"}, {Round::kCeil, "ceil"})
#define MICRO_JSON_ENUM(Type, ...)                                                                    \
  template <> struct JsonEnum<Type> {                                                                 \
    static constexpr auto kNames = std::to_array<std::pair<Type, std::string_view>>({__VA_ARGS__});   \
  };
// clang-format on

namespace micro {

template <class T>
struct JsonOf;  // kJsonFields and kJsonNames of a type that does not carry them itself
template <class E>
struct JsonEnum;  // kNames
template <class V>
struct JsonVariant;  // static std::string_view name(std::size_t index)

/// What the text of a value depends on besides the value.
struct JsonContext {
  NetworkKind kind = NetworkKind::kDev;
};

namespace json_detail {
using namespace codec_detail;

template <class T>
concept InsideNames = requires { T::kJsonNames; };
template <class T>
concept OutsideNames = requires { JsonOf<T>::kJsonNames; };
template <class E>
concept NamedEnum = requires { JsonEnum<E>::kNames; };
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T, std::size_t N>
struct is_vector<List<T, N>> : std::true_type {};

template <InsideNames T>
T names_of(int);
template <OutsideNames T>
JsonOf<T> names_of(long);
template <class T>
using NamesOf = decltype(names_of<T>(0));

inline std::unexpected<Error> at(std::string_view name, Error error) {
  const bool more = !error.message.empty() && (error.message[0] == '.' || error.message[0] == '[');
  error.message = (name.starts_with('[') ? "" : ".") + std::string(name) + (more ? "" : ": ") + error.message;
  return std::unexpected(std::move(error));
}

Result<std::uint64_t> read_u64_text(const Json& json);
Result<std::uint64_t> read_number(const Json& json, std::uint64_t max);
Result<std::string> read_text(const Json& json, std::size_t max_bytes);
Status check_object(const Json& json, std::span<const std::string_view> names);
}  // namespace json_detail

template <class T>
Json to_json(const JsonContext& context, const T& v) {
  using namespace json_detail;
  if constexpr (std::same_as<T, bool>) {
    return v;
  } else if constexpr (std::same_as<T, Json>) {
    return v;
  } else if constexpr (std::same_as<T, Amount>) {
    return amount_text(v);
  } else if constexpr (std::same_as<T, Address>) {
    return address_text(context.kind, v);
  } else if constexpr (std::unsigned_integral<T>) {
    if constexpr (sizeof(T) == 8) {
      return std::to_string(v);
    } else {
      return v;
    }
  } else if constexpr (std::is_enum_v<T>) {
    for (const auto& [value, name] : JsonEnum<T>::kNames) {
      if (value == v) return name;
    }
    return nullptr;
  } else if constexpr (is_fixed<T>::value) {
    return v.hex();
  } else if constexpr (is_quantity<T>::value) {
    return to_json(context, v.value);
  } else if constexpr (is_optional<T>::value) {
    return v ? to_json(context, *v) : Json(nullptr);
  } else if constexpr (is_blob<T>::value || std::same_as<T, Bytes>) {
    return to_base64(v);
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return std::string(v);
  } else if constexpr (is_vector<T>::value) {
    Json out = Json::array();
    for (const auto& item : v) out.push_back(to_json(context, item));
    return out;
  } else if constexpr (is_variant<T>::value) {
    Json out = Json::object();
    out["kind"] = JsonVariant<T>::name(v.index());
    Json rest = std::visit([&](const auto& alternative) { return to_json(context, alternative); }, v);
    for (auto& [key, value] : rest.items()) out[key] = std::move(value);
    return out;
  } else {
    using N = NamesOf<T>;
    Json out = Json::object();
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      const auto one = [&](std::string_view name, const auto& field) {
        if constexpr (is_optional<std::remove_cvref_t<decltype(field)>>::value) {
          if (!field) return;
        }
        out[std::string(name)] = to_json(context, field);
      };
      (one(N::kJsonNames[I], v.*std::get<I>(N::kJsonFields)), ...);
    }(std::make_index_sequence<N::kJsonNames.size()>{});
    return out;
  }
}

template <class T>
Status read_json(const JsonContext& context, const Json& json, T& v);

namespace json_detail {

template <class T>
Status read_fields(const JsonContext& context, const Json& json, T& v) {
  using N = NamesOf<T>;
  TRY(check_object(json, N::kJsonNames));
  Status status;
  const auto one = [&](std::string_view name, auto& field) {
    const auto found = json.find(std::string(name));
    if (found == json.end()) {
      if constexpr (is_optional<std::remove_cvref_t<decltype(field)>>::value) {
        field.reset();
      } else {
        status = at(name, Error{Fault::kInvalid, "is missing", {}});
      }
    } else if (auto read = read_json(context, *found, field); !read) {
      status = at(name, std::move(read).error());
    }
    return status.has_value();
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    static_cast<void>((one(N::kJsonNames[I], v.*std::get<I>(N::kJsonFields)) && ...));
  }(std::make_index_sequence<N::kJsonNames.size()>{});
  return status;
}

template <class V>
Status read_variant(const JsonContext& context, const Json& json, V& v) {
  if (!json.is_object() || !json.contains("kind") || !json["kind"].is_string()) {
    return fail(Fault::kInvalid, "expected an object with a \"kind\"");
  }
  const std::string kind = json["kind"].template get<std::string>();
  Json rest = json;
  rest.erase("kind");
  Status status = fail(Fault::kInvalid, "unknown kind \"" + kind.substr(0, 40) + "\"");
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((JsonVariant<V>::name(I) == kind ? void(status = read_json(context, rest, v.template emplace<I>())) : void()),
     ...);
  }(std::make_index_sequence<std::variant_size_v<V>>{});
  return status;
}

template <class T>
Status read_list(const JsonContext& context, const Json& json, T& v) {
  if (!json.is_array()) return fail(Fault::kInvalid, "expected a list");
  if constexpr (is_list<T>::value) {
    if (json.size() > T::kMax) return fail(Fault::kLimit, "more than " + std::to_string(T::kMax) + " items");
  }
  v.clear();
  v.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (auto read = read_json(context, json[i], v.emplace_back()); !read) {
      return at("[" + std::to_string(i) + "]", std::move(read).error());
    }
  }
  return {};
}

template <class E>
Status read_enum(const Json& json, E& v) {
  const std::string text = TRY(read_text(json, 64));
  std::string known;
  for (const auto& [value, name] : JsonEnum<E>::kNames) {
    if (name == text) {
      v = value;
      return {};
    }
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return fail(Fault::kInvalid, "\"" + text + "\" is not one of " + known);
}

}  // namespace json_detail

/// Exactly what to_json writes; unknown and missing keys are errors that name the place (".params.fee_per_tx: …").
template <class T>
Status read_json(const JsonContext& context, const Json& json, T& v) {
  using namespace json_detail;
  if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) return fail(Fault::kInvalid, "expected true or false");
    v = json.get<bool>();
  } else if constexpr (std::same_as<T, Json>) {
    v = json;
  } else if constexpr (std::same_as<T, Amount>) {
    v = TRY(parse_amount(TRY(read_text(json, 32))));
  } else if constexpr (std::same_as<T, Address>) {
    v = TRY(parse_address(context.kind, TRY(read_text(json, 128))));
  } else if constexpr (std::unsigned_integral<T>) {
    if constexpr (sizeof(T) == 8) {
      v = TRY(read_u64_text(json));
    } else {
      v = static_cast<T>(TRY(read_number(json, std::numeric_limits<T>::max())));
    }
  } else if constexpr (std::is_enum_v<T>) {
    return read_enum(json, v);
  } else if constexpr (is_fixed<T>::value) {
    v = TRY(T::parse(TRY(read_text(json, 2 * T::kSize))));
  } else if constexpr (is_quantity<T>::value) {
    return read_json(context, json, v.value);
  } else if constexpr (is_optional<T>::value) {
    v.reset();
    if (!json.is_null()) return read_json(context, json, v.emplace());
  } else if constexpr (is_blob<T>::value) {
    v = T(TRY(from_base64(TRY(read_text(json, T::kMax / 3 * 4 + 4)))));
    if (v.size() > T::kMax) return fail(Fault::kLimit, "more than " + std::to_string(T::kMax) + " bytes");
  } else if constexpr (std::same_as<T, Bytes>) {
    v = TRY(from_base64(TRY(read_text(json, std::numeric_limits<std::size_t>::max()))));
  } else if constexpr (is_text<T>::value) {
    v = T(TRY(read_text(json, T::kMax)));
  } else if constexpr (std::same_as<T, std::string>) {
    v = TRY(read_text(json, std::numeric_limits<std::size_t>::max()));
  } else if constexpr (is_vector<T>::value) {
    return read_list(context, json, v);
  } else if constexpr (is_variant<T>::value) {
    return read_variant(context, json, v);
  } else {
    return read_fields(context, json, v);
  }
  return {};
}

template <class T>
Result<T> from_json(const JsonContext& context, const Json& json) {
  T v{};
  if (auto read = read_json(context, json, v); !read) {
    Error error = std::move(read).error();
    if (error.message.starts_with('.')) error.message.erase(0, 1);
    return std::unexpected(std::move(error));
  }
  return v;
}

}  // namespace micro
