// One suite on every FileSystem, the crash model of the faulty one, and block files under crashes and bit
// flips.
#include "io/file_system.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/block_file.hpp"
#include "io/faulty_file_system.hpp"

namespace telltale::io {
namespace {

constexpr FileFormat kTestFormat{{'T', 'E', 'S', 'T'}, 3, 2};

void put(FileSystem& fs, const std::string& path, std::string_view bytes, bool sync = false) {
  auto file = fs.open(path, OpenMode::create);
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_TRUE((*file)->write(0, bytes));
  if (sync) {
    ASSERT_TRUE((*file)->sync());
  }
}

class AnyFileSystem : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "posix") {
      dir_ = (std::filesystem::temp_directory_path() / ("telltale_io_test_" + std::to_string(::getpid())))
                 .string();
      fs_ = make_posix_file_system();
    } else if (GetParam() == "memory") {
      fs_ = make_memory_file_system();
    } else {
      fs_ = std::make_unique<FaultyFileSystem>();
    }
    ASSERT_TRUE(fs_->make_dirs(dir_ + "/a/b"));
  }
  void TearDown() override { ASSERT_TRUE(fs_->remove_all(dir_)); }
  std::string dir_ = "/data";
  std::unique_ptr<FileSystem> fs_;
};

TEST_P(AnyFileSystem, FilesAndFolders) {
  const std::string path = dir_ + "/a/one";
  EXPECT_EQ(fs_->open(path, OpenMode::read).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(fs_->open(path, OpenMode::write_existing).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(fs_->open(dir_ + "/none/x", OpenMode::create).error().kind(), ErrorKind::not_found);
  auto file = fs_->open(path, OpenMode::create_new);
  ASSERT_TRUE(file);
  EXPECT_EQ(fs_->open(path, OpenMode::create_new).error().kind(), ErrorKind::conflict);
  ASSERT_TRUE((*file)->write(3, "abc"));
  EXPECT_EQ(*(*file)->read(0, 100), std::string("\0\0\0abc", 6));
  EXPECT_EQ(*(*file)->read(6, 10), "");
  EXPECT_EQ(*(*file)->read(600, 10), "");
  ASSERT_TRUE((*file)->truncate(4));
  EXPECT_EQ(*(*file)->size(), 4u);
  ASSERT_TRUE((*file)->sync());
  const auto reader = *fs_->open(path, OpenMode::read);
  EXPECT_FALSE(reader->write(0, "x"));
  ASSERT_TRUE(fs_->rename(path, dir_ + "/a/two"));
  EXPECT_EQ(*reader->read(3, 1), "a");  // an open file outlives its name
  EXPECT_FALSE(*fs_->exists(path));
  ASSERT_TRUE(fs_->sync_dir(dir_ + "/a"));
  const auto list = *fs_->list(dir_ + "/a");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name, "b");
  EXPECT_TRUE(list[0].is_dir);
  EXPECT_EQ(list[1].name, "two");
  EXPECT_EQ(list[1].size, 4u);
  EXPECT_FALSE(fs_->remove(dir_ + "/a"));
  EXPECT_EQ(fs_->remove(path).error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(fs_->remove(dir_ + "/a/two"));
  ASSERT_TRUE(fs_->remove(dir_ + "/a/b"));
  EXPECT_EQ(fs_->list(dir_ + "/a/b").error().kind(), ErrorKind::not_found);
  EXPECT_GT(fs_->space(dir_)->total_bytes, 0u);
}

TEST_P(AnyFileSystem, LockHasOneHolder) {
  auto first = fs_->lock(dir_ + "/lock");
  ASSERT_TRUE(first);
  EXPECT_EQ(fs_->lock(dir_ + "/lock").error().kind(), ErrorKind::conflict);
  first->reset();
  EXPECT_TRUE(fs_->lock(dir_ + "/lock"));
}

TEST_P(AnyFileSystem, PublishReplaces) {
  ASSERT_TRUE(publish_file(*fs_, dir_ + "/f", "long old text"));
  ASSERT_TRUE(publish_file(*fs_, dir_ + "/f", "new"));
  EXPECT_EQ(*read_file(*fs_, dir_ + "/f"), "new");
  EXPECT_FALSE(*fs_->exists(dir_ + "/f.tmp"));
}

TEST_P(AnyFileSystem, BlockFileRoundTrip) {
  const std::string path = dir_ + "/part";
  auto writer = *BlockFileWriter::create(*fs_, path, kTestFormat);
  std::vector<std::pair<BlockHandle, std::string>> blocks;
  for (int i = 0; i < 50; ++i) {
    const std::string block(static_cast<std::size_t>(i * i * 40), static_cast<char>('a' + i % 26));
    blocks.emplace_back(*writer->append(block), block);
  }
  ASSERT_TRUE(writer->publish("the footer"));
  const auto reader = BlockFileReader::open(*fs_, path, kTestFormat);
  ASSERT_TRUE(reader) << reader.error().message();
  EXPECT_EQ((*reader)->footer(), "the footer");
  for (const auto& [handle, bytes] : blocks) EXPECT_EQ(*(*reader)->read(handle), bytes);
  EXPECT_TRUE((*reader)->verify());
  EXPECT_EQ((*reader)->file_bytes(), *(*fs_->open(path, OpenMode::read))->size());
  EXPECT_EQ((*reader)->read({blocks[3].first.offset + 1, 5}).error().kind(), ErrorKind::corruption);
  EXPECT_EQ((*reader)->read({UINT64_MAX - 2, 5}).error().kind(), ErrorKind::corruption);
  for (const std::uint32_t newest : {1U, 2U}) {
    const auto refused = BlockFileReader::open(*fs_, path, {{'T', 'E', 'S', 'T'}, newest, 1});
    EXPECT_EQ(refused.error().kind(), ErrorKind::corruption);
  }
  (void)*BlockFileWriter::create(*fs_, dir_ + "/abandoned", kTestFormat);
  EXPECT_EQ(fs_->list(dir_)->size(), 2u);  // "a" and "part"
}

INSTANTIATE_TEST_SUITE_P(Io, AnyFileSystem, ::testing::Values("posix", "memory", "faulty"));

TEST(FaultyFileSystem, OnlyWhatWasSyncedSurvives) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.make_dirs("/d"));
  ASSERT_TRUE(fs.sync_dir("/"));
  put(fs, "/d/synced", "yes", true);
  put(fs, "/d/bytes_lost", "no");
  ASSERT_TRUE(fs.sync_dir("/d"));
  put(fs, "/d/name_lost", "no", true);
  fs.crash();
  EXPECT_EQ(*read_file(fs, "/d/synced"), "yes");
  EXPECT_EQ(*read_file(fs, "/d/bytes_lost"), "");
  EXPECT_FALSE(*fs.exists("/d/name_lost"));
}

TEST(FaultyFileSystem, FailedSyncLosesItsBytesForGood) {
  FaultyFileSystem fs;
  put(fs, "/f", "first", true);
  ASSERT_TRUE(fs.sync_dir("/"));
  const auto file = *fs.open("/f", OpenMode::write_existing);
  ASSERT_TRUE(file->write(0, "SECOND"));
  fs.fail_syncs(1);
  EXPECT_FALSE(file->sync());
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(*file->read(0, 10), "SECOND");
  fs.crash();
  EXPECT_EQ(*read_file(fs, "/f"), "first");
}

TEST(FaultyFileSystem, FullDiskTakesThePartThatFits) {
  FaultyFileSystem fs;
  fs.set_capacity(4);
  const auto file = *fs.open("/f", OpenMode::create);
  EXPECT_EQ(file->write(0, "abcdef").error().kind(), ErrorKind::disk_full);
  EXPECT_EQ(*read_file(fs, "/f"), "abcd");
  EXPECT_TRUE(file->write(0, "ABCD"));
  EXPECT_EQ(fs.space("/")->free_bytes, 0u);
}

TEST(FaultyFileSystem, PublishedFileIsOldOrNewAfterACrashAtAnyCall) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    bool done = false;
    for (std::uint64_t k = 1; !done; ++k) {
      FaultyFileSystem fs;
      ASSERT_TRUE(publish_file(fs, "/f", "old"));
      fs.power_off_at(fs.calls() + k);
      const bool acknowledged = publish_file(fs, "/f", "newer").has_value();
      done = !fs.powered_off();
      fs.crash(seed * 1000 + k);
      const std::string found = *read_file(fs, "/f");
      EXPECT_TRUE(found == "newer" || (found == "old" && !acknowledged))
          << found << " seed " << seed << " k " << k;
    }
  }
}

TEST(BlockFile, WholeOrAbsentAfterACrashAtAnyCall) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    bool done = false;
    for (std::uint64_t k = 1; !done; ++k) {
      FaultyFileSystem fs;
      fs.power_off_at(k);
      const auto write = [&]() -> Result<> {
        TT_ASSIGN(auto writer, BlockFileWriter::create(fs, "/part", kTestFormat));
        for (int i = 0; i < 5; ++i) {
          if (auto block = writer->append(std::string(700'000, 'x')); !block)
            return tl::unexpected<Error>(block.error());
        }
        return writer->publish("footer");
      };
      const bool acknowledged = write().has_value();
      done = !fs.powered_off();
      fs.crash(seed * 1000 + k);
      if (*fs.exists("/part")) {
        const auto reader = BlockFileReader::open(fs, "/part", kTestFormat);
        ASSERT_TRUE(reader) << reader.error().message();
        EXPECT_TRUE((*reader)->verify());
      } else {
        EXPECT_FALSE(acknowledged) << "seed " << seed << " k " << k;
      }
    }
  }
}

TEST(BlockFile, EveryFlippedBitIsFound) {
  FaultyFileSystem fs;
  auto writer = *BlockFileWriter::create(fs, "/part", kTestFormat);
  ASSERT_TRUE(writer->append("some bytes"));
  ASSERT_TRUE(writer->append(""));
  ASSERT_TRUE(writer->publish("footer"));
  const std::size_t size = read_file(fs, "/part")->size();
  for (std::size_t bit = 0; bit < size * 8; ++bit) {
    ASSERT_TRUE(fs.flip_bit("/part", bit / 8, bit % 8));
    const auto reader = BlockFileReader::open(fs, "/part", kTestFormat);
    const auto checked = reader ? (*reader)->verify() : Result<>(tl::unexpected<Error>(reader.error()));
    ASSERT_FALSE(checked) << "bit " << bit;
    EXPECT_EQ(checked.error().kind(), ErrorKind::corruption);
    ASSERT_TRUE(fs.flip_bit("/part", bit / 8, bit % 8));
  }
}

}  // namespace
}  // namespace telltale::io
