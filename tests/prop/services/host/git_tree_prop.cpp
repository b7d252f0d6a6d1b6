// Whatever links a repository has: if each is accepted, none leads out of the tree on a real file system.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <map>

#include "services/host/git_fetch/tree_writer.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::git {
namespace {

namespace fs = std::filesystem;

std::string random_target() {
  const auto parts = *rc::gen::resize(6, rc::gen::container<std::vector<std::string>>(
                                             rc::gen::element<std::string>("..", ".", "", "a", "b", "l0", "l1", "l2")));
  std::string out = *rc::gen::element<std::string>("", "", "", "/");
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : "/") + parts[i];
  return out;
}

RC_GTEST_PROP(LinkTarget, AcceptedLinksStayInside, ()) {
  const test::TempFolder folder;
  const fs::path top = folder / "top";
  for (const char* path : {"", "a", "a/b", "a/b/a", "b"}) fs::create_directories(top / path);
  const std::map<std::string, std::size_t> places = {{"", 0}, {"a", 1}, {"a/b", 2}, {"b", 1}};
  for (const auto& [place, depth] : places) {
    for (int i = 0; i < 3; ++i) {
      const std::string target = random_target();
      const std::string name = "l" + std::to_string(i);
      if (!check_link_target(target, depth)) continue;
      fs::create_symlink(target, top / place / name);
    }
  }
  const std::string inside = fs::canonical(top).string();
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    std::error_code error;
    const fs::path real = fs::canonical(entry.path(), error);
    if (error) continue;  // dangling, or a ring
    RC_ASSERT(real.string() == inside || real.string().starts_with(inside + "/"));
  }
}

RC_GTEST_PROP(EntryName, AcceptedNamesAreOneStepDown, (const std::string& name)) {
  if (!check_entry_name(name)) return;
  const fs::path path = fs::path("top") / name;
  RC_ASSERT(path.lexically_normal() == path);
  RC_ASSERT(path.parent_path() == "top");
  RC_ASSERT(std::string(name.c_str()) == name);
}

}  // namespace
}  // namespace micro::git
