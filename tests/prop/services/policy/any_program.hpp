// Random integer programs in the text format: what a policy may contain, with every loop bounded.
#pragma once

#include <string>

#include "chain/base/random.hpp"

namespace micro::test {

/// Functions $f0, $f1 and $f2 of type (i32, i64) → i64, of which each calls only earlier ones, and $digest: () → i64,
/// which runs all of them and mixes in the memory. They expect a memory of at least one page. Some trap.
class AnyProgram {
 public:
  explicit AnyProgram(std::uint64_t seed) : random_(seed) {}

  std::string functions() {
    std::string out = "(global $g (mut i32) (i32.const " + number(1'000) + "))\n";
    for (callable_ = 0; callable_ < kFunctions; ++callable_) {
      out += "(func $f" + std::to_string(callable_) +
             " (param $a i32) (param $b i64) (result i64) (local $i i32) (local $j i64) (local $n0 i32) (local $n1 "
             "i32)\n" +
             statements(3) + wide(3) + ")\n";
    }
    out += "(func $digest (result i64) (local $sum i64) (local $at i32)\n";
    for (std::size_t f = 0; f < kFunctions; ++f) {
      out += "(local.set $sum (i64.xor (i64.rotl (local.get $sum) (i64.const 7)) (call $f" + std::to_string(f) +
             " (i32.const " + any_i32() + ") (i64.const " + any_i64() + "))))\n";
    }
    return out + R"((loop
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 0x100000001b3)) (i64.load (local.get $at))))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 2048))))
      (local.get $sum)))";
  }

 private:
  static constexpr std::size_t kFunctions = 3;

  std::uint64_t draw(std::uint64_t below) { return random_.draw_u64() % below; }
  std::string number(std::uint64_t below) { return std::to_string(draw(below)); }
  template <std::size_t N>
  std::string one_of(const char* const (&list)[N]) {
    return list[draw(N)];
  }
  std::string any_i32() {
    return draw(3) == 0 ? one_of({"0", "1", "-1", "0x80000000", "0x7fffffff", "31", "32"})
                        : std::to_string(static_cast<std::int32_t>(random_.draw_u64()));
  }
  std::string any_i64() {
    return draw(3) == 0 ? one_of({"0", "1", "-1", "0x8000000000000000", "0x7fffffffffffffff", "63", "64"})
                        : std::to_string(static_cast<std::int64_t>(random_.draw_u64()));
  }
  /// Mostly inside the first 2 KiB; one in two hundred anywhere, which mostly traps.
  std::string address(int depth) {
    const std::string at = narrow(depth);
    return draw(200) == 0 ? at : "(i32.and " + at + " (i32.const 1023))";
  }

  std::string narrow(int depth) {  // an i32
    if (depth == 0) return one_of({"(local.get $a)", "(local.get $i)", "(global.get $g)"});
    const int d = depth - 1;
    switch (draw(10)) {
      case 0:
        return "(i32.const " + any_i32() + ")";
      case 1:
        return "(i32." + one_of({"clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s"}) + " " + narrow(d) + ")";
      case 2:
        return "(i64." + one_of({"eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"}) + " " +
               wide(d) + " " + wide(d) + ")";
      case 3:
        return "(i32.wrap_i64 " + wide(d) + ")";
      case 4:
        return "(i32." + one_of({"load", "load8_s", "load8_u", "load16_s", "load16_u"}) + " offset=" + number(900) +
               " " + address(d) + ")";
      case 5:
        return "(if (result i32) " + narrow(d) + " (then " + narrow(d) + ") (else " + narrow(d) + "))";
      case 6:
        return "(select " + narrow(d) + " " + narrow(d) + " " + narrow(d) + ")";
      case 7:
        return "(i32." + one_of({"div_s", "div_u", "rem_s", "rem_u"}) + " " + narrow(d) + " " +
               (draw(20) == 0 ? narrow(d) : "(i32.or " + narrow(d) + " (i32.const 1))") + ")";
      default:
        return "(i32." +
               one_of(
                   {"add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr", "eq", "lt_u"}) +
               " " + narrow(d) + " " + narrow(d) + ")";
    }
  }

  std::string wide(int depth) {  // an i64
    if (depth == 0) return one_of({"(local.get $b)", "(local.get $j)"});
    const int d = depth - 1;
    switch (draw(9)) {
      case 0:
        return "(i64.const " + any_i64() + ")";
      case 1:
        return "(i64." + one_of({"clz", "ctz", "popcnt", "extend8_s", "extend16_s", "extend32_s"}) + " " + wide(d) +
               ")";
      case 2:
        return "(i64." + one_of({"extend_i32_s", "extend_i32_u"}) + " " + narrow(d) + ")";
      case 3:
        return "(i64." + one_of({"load", "load8_s", "load8_u", "load16_s", "load16_u", "load32_s", "load32_u"}) +
               " offset=" + number(900) + " " + address(d) + ")";
      case 4:
        return callable_ == 0 ? wide(d) : "(call $f" + number(callable_) + " " + narrow(d) + " " + wide(d) + ")";
      case 5:
        return "(i64." + one_of({"div_s", "div_u", "rem_s", "rem_u"}) + " " + wide(d) + " " +
               (draw(20) == 0 ? wide(d) : "(i64.or " + wide(d) + " (i64.const 1))") + ")";
      case 6:
        return "(block (result i64) (drop (br_if 0 " + wide(d) + " " + narrow(d) + ")) " + wide(d) + ")";
      default:
        return "(i64." + one_of({"add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"}) +
               " " + wide(d) + " " + wide(d) + ")";
    }
  }

  std::string statements(int depth) {
    std::string out;
    for (std::uint64_t n = 1 + draw(3); n > 0; --n) out += statement(depth) + "\n";
    return out;
  }
  std::string statement(int depth) {
    const int d = depth - 1;
    switch (depth == 0 ? draw(5) : draw(9)) {
      case 0:
        return "(local.set $i " + narrow(2) + ")";
      case 1:
        return "(local.set $j " + wide(2) + ")";
      case 2:
        return "(global.set $g " + narrow(1) + ")";
      case 3:
        return "(i32." + one_of({"store", "store8", "store16"}) + " offset=" + number(900) + " " + address(1) + " " +
               narrow(2) + ")";
      case 4:
        return "(i64." + one_of({"store", "store8", "store16", "store32"}) + " offset=" + number(900) + " " +
               address(1) + " " + wide(2) + ")";
      case 5:
        return "(if " + narrow(2) + " (then " + statements(d) + ") (else " + statements(d) + "))";
      case 6:
        return loop(d);
      case 7:
        return "(block (block (block (br_table 0 1 2 1 " + narrow(2) + ")) " + statements(d) + ") " + statements(d) +
               ")";
      default:
        return "(memory." + one_of({"copy", "fill"}) + " " + address(1) + " " + address(1) + " (i32.and " + narrow(1) +
               " (i32.const 127)))";
    }
  }
  /// Loops nest at most two deep, each level with a counter of its own, so that every program ends soon.
  std::string loop(int depth) {
    if (loops_ == 2) return statement(0);
    const std::string counter = "$n" + std::to_string(loops_++);
    const std::string body = statements(depth);
    --loops_;
    return "(local.set " + counter + " (i32.const 0)) (loop " + body + " (br_if 0 (i32.lt_u (local.tee " + counter +
           " (i32.add (local.get " + counter + ") (i32.const 1))) (i32.const " + std::to_string(1 + draw(6)) + "))))";
  }

  SeededRandom random_;
  std::size_t callable_ = 0;
  int loops_ = 0;
};

}  // namespace micro::test
