// Guests for tests: compiled once a test binary.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "services/wasm/engine.hpp"
#include "services/wasm/module_info.hpp"

namespace micro::wasm {

inline Bytes read_guest(const std::string& name) {
  std::ifstream file(std::string(MICRO_GUESTS) + "/" + name + ".wasm", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline const Engine& test_engine() {
  static const auto engine = Engine::create({.slots = 8}).value();
  return *engine;
}

inline Module compile_guest(const std::string& name) {
  static std::map<std::string, Module> compiled;
  const auto found = compiled.find(name);
  if (found != compiled.end()) return found->second;
  const Bytes wasm = read_guest(name);
  EXPECT_FALSE(wasm.empty()) << name;
  const auto info = inspect(wasm);
  EXPECT_TRUE(info) << info.error().message;
  EXPECT_TRUE(check_program(*info));
  const Module module = test_engine().load(test_engine().compile(wasm).value()).value();
  compiled.emplace(name, module);
  return module;
}

inline ProgramCall call_of(const std::vector<std::string>& args, std::uint64_t gas = 1'000'000'000) {
  ProgramCall call;
  for (const std::string& arg : args) call.args.add(arg);
  call.gas_limit = Gas(gas);
  call.time = TimeMs(1'800'000'000'000);
  return call;
}

inline std::string text_of(const Bytes& bytes) {
  return std::string(as_text(bytes));
}

}  // namespace micro::wasm
