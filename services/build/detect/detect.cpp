#include "services/build/detect/detect.hpp"

#include <algorithm>
#include <array>

namespace micro {
namespace {

struct Candidate {
  std::string name;                  ///< "C", "Rust", …
  std::string reason;                ///< the file that says so
  std::optional<Language> language;  ///< nothing: known, not built
};

struct Marker {
  std::string_view file;  ///< a name, or "*.ext"
  std::string_view language;
};

/// Files that tell of a language that is not built, in the order of runtime.md's probes.
constexpr std::array kUnbuilt = std::to_array<Marker>({
    {"Cargo.toml", "Rust"},
    {"build.zig", "Zig"},
    {"asconfig.json", "AssemblyScript"},
    {"package.json", "JavaScript"},
    {"main.js", "JavaScript"},
    {"deno.json", "JavaScript"},
    {"Gemfile", "Ruby"},
    {"*.rb", "Ruby"},
    {"pyproject.toml", "Python"},
    {"main.py", "Python"},
    {"requirements.txt", "Python"},
    {"composer.json", "PHP"},
    {"pom.xml", "Java"},
    {"build.gradle", "Java"},
    {"mix.exs", "Elixir"},
    {"*.csproj", ".NET"},
    {"*.wat", "WebAssembly text"},
});

constexpr std::array<std::string_view, 3> kCppExtensions = {".cc", ".cpp", ".cxx"};
constexpr std::string_view kBuilt =
    "C (main.c or *.c), C++ (main.cc, main.cpp or main.cxx) and Go (go.mod with a main package)";

bool is_at_top(std::string_view path) {
  return path.find('/') == std::string_view::npos;
}
bool is_c(std::string_view path) {
  return path.ends_with(".c");
}
bool is_cpp(std::string_view path) {
  return std::ranges::any_of(kCppExtensions, [&](std::string_view e) { return path.ends_with(e); });
}
std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view(".") : path.substr(0, slash);
}
std::string_view file_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

class Tree {
 public:
  explicit Tree(const TreeListing& listing) : files_(listing.files) { std::ranges::sort(files_); }

  [[nodiscard]] bool has(std::string_view path) const {
    return std::ranges::binary_search(files_, path, std::less<>{});
  }
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

  template <class Predicate>
  [[nodiscard]] std::vector<std::string> at_top(Predicate wanted) const {
    std::vector<std::string> out;
    std::ranges::copy_if(files_, std::back_inserter(out), [&](const auto& f) { return is_at_top(f) && wanted(f); });
    return out;
  }
  [[nodiscard]] bool has_go_files_in(std::string_view folder) const {
    return std::ranges::any_of(files_, [&](const auto& f) { return f.ends_with(".go") && folder_of(f) == folder; });
  }
  /// Up to `limit` folders below the top whose files a probe would accept.
  [[nodiscard]] std::vector<std::string> folders_with_programs(std::size_t limit) const {
    std::vector<std::string> out;
    for (const auto& path : files_) {
      const auto file = file_of(path);
      if (is_at_top(path) || (file != "main.c" && file != "go.mod" && !(is_cpp(file) && file.starts_with("main."))))
        continue;
      const std::string folder(folder_of(path));
      if (std::ranges::find(out, folder) == out.end() && out.size() < limit) out.push_back(folder);
    }
    return out;
  }

 private:
  std::vector<std::string> files_;
};

std::string join(const std::vector<std::string>& items, std::string_view separator = ", ") {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : std::string(separator)) + item;
  return out;
}

void probe_clang(const Tree& tree, std::vector<Candidate>& out) {
  const auto c = tree.at_top(is_c);
  const auto cpp = tree.at_top(is_cpp);
  const auto is_main = [](const std::string& f) { return f.starts_with("main."); };
  const auto cpp_main = std::ranges::find_if(cpp, is_main);
  const bool c_main = tree.has("main.c");
  const bool cpp_has_main = cpp_main != cpp.end();
  // C files beside C++ ones are compiled along with them; only two programs are two candidates.
  if (!cpp.empty()) out.push_back({"C++", cpp_has_main ? *cpp_main : cpp.front(), Language::kCpp});
  if (!c.empty() && (cpp.empty() || (c_main && cpp_has_main))) {
    out.push_back({"C", c_main ? "main.c" : c.front(), Language::kC});
  }
}

std::vector<Candidate> probe(const Tree& tree) {
  std::vector<Candidate> out;
  if (tree.has("go.mod")) out.push_back({"Go", "go.mod", Language::kGo});
  probe_clang(tree, out);
  for (const auto& marker : kUnbuilt) {
    std::string reason;
    if (marker.file.starts_with('*')) {
      const auto found = tree.at_top([&](std::string_view f) { return f.ends_with(marker.file.substr(1)); });
      if (!found.empty()) reason = found.front();
    } else if (tree.has(marker.file)) {
      reason = marker.file;
    }
    const auto same = [&](const Candidate& c) { return c.name == marker.language; };
    if (!reason.empty() && std::ranges::none_of(out, same))
      out.push_back({std::string(marker.language), reason, std::nullopt});
  }
  return out;
}

Result<Candidate> choose(const Tree& tree, const std::vector<Candidate>& candidates) {
  if (candidates.empty()) {
    const auto folders = tree.folders_with_programs(5);
    std::string hint = "built are " + std::string(kBuilt);
    if (!folders.empty())
      hint = "programs are in " + join(folders) + ": add the folder to the source, as in …/name/" + folders.front();
    return fail(Fault::kNotFound, "nothing at the top of the source says what to build", hint);
  }
  if (candidates.size() > 1) {
    std::vector<std::string> names;
    for (const auto& c : candidates) names.push_back(c.name + " (" + c.reason + ")");
    return fail(Fault::kInvalid, "the source could be " + join(names, " or "),
                R"(choose in micro.json, for example {"language": "c"})");
  }
  if (!candidates.front().language) {
    return fail(Fault::kNotFound,
                "found " + candidates.front().reason + ": " + candidates.front().name + " is not built",
                "built are " + std::string(kBuilt));
  }
  return candidates.front();
}

/// Files named in micro.json, or all of the language at the top.
Result<std::vector<std::string>> clang_sources(const Tree& tree, const Manifest& manifest, Language language) {
  const auto fits = [&](std::string_view f) { return is_c(f) || (language == Language::kCpp && is_cpp(f)); };
  std::vector<std::string> sources = manifest.sources.empty() ? tree.at_top(fits) : manifest.sources;
  for (const auto& source : sources) {
    if (!tree.has(source))
      return fail(Fault::kInvalid, "micro.json: \"sources\" names " + source + ", which does not exist");
    if (!fits(source)) {
      return fail(Fault::kInvalid,
                  "micro.json: \"sources\" names " + source + ", which is not " + std::string(language_name(language)));
    }
  }
  if (sources.empty()) {
    return fail(Fault::kNotFound, "no " + std::string(language_name(language)) + " file at the top of the source",
                "name the files under \"sources\" in micro.json");
  }
  return sources;
}

Result<std::string> go_entry(const Tree& tree, const Manifest& manifest) {
  if (!tree.has("go.mod")) return fail(Fault::kNotFound, "a Go service needs a go.mod at the top of the source");
  if (manifest.sources.size() > 1) {
    return fail(Fault::kInvalid, "micro.json: for Go, \"sources\" names one folder, that of the main package");
  }
  if (!manifest.sources.empty()) {
    const std::string& folder = manifest.sources.front();
    if (!tree.has_go_files_in(folder))
      return fail(Fault::kInvalid, "micro.json: no Go file is in the folder " + folder);
    return folder == "." ? "." : "./" + folder;
  }
  if (tree.has_go_files_in(".")) return ".";
  std::vector<std::string> folders;
  for (const auto& path : tree.files()) {
    if (file_of(path) == "main.go" && folders.size() < 5) folders.emplace_back(folder_of(path));
  }
  return fail(
      Fault::kNotFound, "no Go file is beside go.mod",
      folders.empty() ? "add a main package" : "name one of " + join(folders) + " under \"sources\" in micro.json");
}

Result<BuildPlan> plan_for(const Tree& tree, const Manifest& manifest, Language language,
                           std::vector<std::string>& notes) {
  if (language == Language::kGo) {
    if (manifest.stack_kib) {
      return fail(Fault::kInvalid, "micro.json: \"stack_kib\" is for C and C++; Go makes its stacks itself");
    }
    std::string entry = TRY(go_entry(tree, manifest));
    notes.push_back("builds the package " + entry + " for wasip1" +
                    (tree.has("vendor/modules.txt") ? " with the vendored modules" : ""));
    return make_plan(language, {}, entry);
  }
  auto sources = TRY(clang_sources(tree, manifest, language));
  if (sources.size() > kMaxPlanSources) {
    return fail(Fault::kLimit,
                std::to_string(sources.size()) + " files to compile, the limit is " + std::to_string(kMaxPlanSources));
  }
  notes.push_back("compiles " + std::to_string(sources.size()) + (sources.size() == 1 ? " file: " : " files: ") +
                  (sources.size() <= 6 ? join(sources) : sources.front() + ", …, " + sources.back()));
  for (const std::string_view file : {"Makefile", "CMakeLists.txt", "configure"}) {
    if (tree.has(file))
      notes.push_back(std::string(file) + " is not run; \"sources\" in micro.json says what to compile");
  }
  return make_plan(language, std::move(sources), "main", manifest.stack_kib.value_or(kDefaultStackKib));
}

}  // namespace

Result<Detection> detect(const TreeListing& listing) {
  const Tree tree(listing);
  Detection out;
  if (listing.manifest_text) {
    out.manifest = TRY(parse_manifest(*listing.manifest_text));
    out.notes.emplace_back("found micro.json");
  }
  Language language = Language::kC;
  if (out.manifest.language) {
    language = *out.manifest.language;
    out.notes.push_back("micro.json says the language is " + std::string(language_name(language)));
  } else {
    const Candidate found = TRY(choose(tree, probe(tree)));
    language = *found.language;
    out.notes.push_back("found " + found.reason + ": " + found.name);
  }
  out.plan = TRY(plan_for(tree, out.manifest, language, out.notes));
  out.plan_hash = plan_hash(out.plan);
  return out;
}

}  // namespace micro
