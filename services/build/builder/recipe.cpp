#include "services/build/builder/recipe.hpp"

namespace micro {
namespace {

constexpr std::string_view kClang = "/usr/bin/clang-19 --target=wasm32-wasi";
constexpr std::string_view kClangCpp = "/usr/bin/clang++-19 --target=wasm32-wasi";

std::string number(std::size_t i) {
  std::string text = std::to_string(i);
  return std::string(text.size() < 5 ? 5 - text.size() : 0, '0') + text;
}

void add_common(Recipe& recipe, std::uint64_t commit_time_s) {
  recipe.environment = {"PATH=/usr/bin:/bin",
                        "HOME=/tmp",
                        "TMPDIR=/tmp",
                        "TZ=UTC",
                        "LC_ALL=C",
                        "LANG=C",
                        "SOURCE_DATE_EPOCH=" + std::to_string(commit_time_s)};
  recipe.script = "set -e\numask 022\n";
}

/// C files beside C++ ones are compiled as C.
std::string flags_for(const BuildPlan& plan, bool as_c) {
  std::string out;
  for (const auto& flag : plan.compile_flags) {
    const bool only_cpp = flag.starts_with("-std=gnu++") || flag == "-fno-exceptions";
    if (!(as_c && only_cpp)) out += " " + shell_quote(flag);
  }
  if (as_c && plan.language == Language::kCpp) out += " -std=gnu17";
  return out;
}

void add_clang(Recipe& recipe, const BuildPlan& plan) {
  const bool cpp = plan.language == Language::kCpp;
  recipe.script += "mkdir /tmp/o\n";
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    const std::string& source = plan.sources[i];
    const bool as_c = source.ends_with(".c");
    recipe.script +=
        "echo " + shell_quote("[" + std::to_string(i + 1) + "/" + std::to_string(plan.sources.size()) + "] " + source) +
        "\n";
    recipe.script += std::string(as_c ? kClang : kClangCpp) + flags_for(plan, as_c) +
                     " -ffile-prefix-map=/src=. -I. -c " + shell_quote("./" + source) + " -o /tmp/o/" + number(i) +
                     ".o\n";
  }
  recipe.script += "echo linking\n" + std::string(cpp ? kClangCpp : kClang);
  for (const auto& flag : plan.link_flags) recipe.script += " " + shell_quote(flag);
  recipe.script += " /tmp/o/*.o -o /out/service.wasm\n";
}

void add_go_environment(Recipe& recipe, std::string_view cache) {
  for (const char* variable : {"GOROOT=/go", "GOPATH=/tmp/gopath", "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0",
                               "GOTOOLCHAIN=local", "GOPROXY=off", "GOSUMDB=off", "GOFLAGS=", "GOENV=off", "GOWORK=off",
                               "GO111MODULE=on", "GOTELEMETRY=off", "GOEXPERIMENT="}) {
    recipe.environment.emplace_back(variable);
  }
  recipe.environment.push_back("GOCACHE=" + std::string(cache));
}

std::string go_build(const BuildPlan& plan, unsigned parallel) {
  std::string out = "/go/bin/go build -p " + std::to_string(parallel);
  for (const auto& flag : plan.compile_flags) out += " " + shell_quote(flag);
  for (const auto& flag : plan.link_flags) out += " " + shell_quote(flag);
  return out;
}

/// The shared cache of Go's library stays read-only: a build gets a folder of links to it, and what it adds is its own
/// and gone with it. A fresh trim.txt keeps Go from tidying up what it does not own.
void add_go(Recipe& recipe, const BuildPlan& plan, unsigned parallel) {
  add_go_environment(recipe, "/tmp/gocache");
  recipe.script += "cp -rs /gocache /tmp/gocache\nrm -f /tmp/gocache/trim.txt\ndate +%s > /tmp/gocache/trim.txt\n";
  recipe.script += "echo " + shell_quote("go build " + plan.entry) + "\n";
  recipe.script += go_build(plan, parallel) + " -o /out/service.wasm " + shell_quote(plan.entry) + "\n";
}

}  // namespace

std::string shell_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

Recipe make_recipe(const BuildPlan& plan, std::uint64_t commit_time_s, unsigned parallel) {
  Recipe recipe;
  add_common(recipe, commit_time_s);
  if (plan.language == Language::kGo) {
    add_go(recipe, plan, parallel);
  } else {
    add_clang(recipe, plan);
  }
  recipe.script += "cat /out/service.wasm >&3\n";
  return recipe;
}

Recipe go_library_recipe(unsigned parallel) {
  Recipe recipe;
  add_common(recipe, 0);
  add_go_environment(recipe, "/gocache");
  recipe.script += go_build(make_plan(Language::kGo, {}, "."), parallel) + " std\n";
  return recipe;
}

}  // namespace micro
