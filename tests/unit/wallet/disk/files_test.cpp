#include "wallet/disk/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/gen/temp_folder.hpp"
#include "wallet/disk/file_lock.hpp"

namespace micro {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST(Files, WritesPrivateFilesThatReplaceWhole) {
  const test::TempFolder folder;
  const auto path = folder / "key";
  ASSERT_TRUE(write_file_durably(path, as_bytes("one"), IfPresent::kReplace));
  EXPECT_EQ(mode_of(path), 0600U);
  ASSERT_TRUE(write_file_durably(path, as_bytes("two!"), IfPresent::kReplace));
  EXPECT_EQ(as_text(read_file(path, 100).value()), "two!");
  EXPECT_EQ(write_file_durably(path, as_bytes("three"), IfPresent::kRefuse).error().fault, Fault::kRejected);
  EXPECT_EQ(as_text(read_file(path, 100).value()), "two!");
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++entries;
  EXPECT_EQ(entries, 1U);
}

TEST(Files, ALeftoverOfACrashDoesNotMatter) {
  const test::TempFolder folder;
  const auto path = folder / "key";
  ASSERT_TRUE(write_file_durably(path, as_bytes("old"), IfPresent::kReplace));
  ASSERT_TRUE(write_file_durably(folder / "key.new", as_bytes("half of a longer"), IfPresent::kReplace));
  ::chmod((folder / "key.new").c_str(), 0644);
  EXPECT_EQ(as_text(read_file(path, 100).value()), "old");
  ASSERT_TRUE(write_file_durably(path, as_bytes("new"), IfPresent::kReplace));
  EXPECT_EQ(as_text(read_file(path, 100).value()), "new");
  EXPECT_EQ(mode_of(path), 0600U);
}

TEST(Files, NamesWhatIsWrong) {
  const test::TempFolder folder;
  EXPECT_EQ(read_file(folder / "none", 10).error().fault, Fault::kNotFound);
  ASSERT_TRUE(write_file_durably(folder / "long", Bytes(11), IfPresent::kReplace));
  EXPECT_EQ(read_file(folder / "long", 10).error().fault, Fault::kLimit);
  EXPECT_TRUE(check_private(folder / "long"));
  ::chmod((folder / "long").c_str(), 0640);
  EXPECT_EQ(check_private(folder / "long").error().fault, Fault::kDenied);
  EXPECT_EQ(read_file(folder.path(), 10).error().fault, Fault::kIo);
}

TEST(Files, MakesPrivateFoldersWithTheirParents) {
  const test::TempFolder folder;
  ASSERT_TRUE(make_private_folder(folder / "a/b/c"));
  EXPECT_EQ(mode_of(folder / "a/b"), 0700U);
  ASSERT_TRUE(make_private_folder(folder / "a/b/c"));
  ASSERT_TRUE(write_file_durably(folder / "a/file", Bytes(1), IfPresent::kReplace));
  EXPECT_FALSE(make_private_folder(folder / "a/file/d"));
}

TEST(FileLock, IsExclusiveAndEndsWithItsOwner) {
  const test::TempFolder folder;
  {
    const auto first = FileLock::acquire(folder / "lock", "the thing");
    ASSERT_TRUE(first);
    const auto second = FileLock::acquire(folder / "lock", "the thing");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::kBusy);
  }
  EXPECT_TRUE(FileLock::acquire(folder / "lock", "the thing"));
}

}  // namespace
}  // namespace micro
