// Texts as numbers: label names and values, each kept once. Texts stay where they are as long as the table
// lives, and a number that was handed out may be looked up while others are added.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace telltale::tsdb {

/// intern() from one thread at a time; text() from any, of numbers that it has been given.
class Symbols {
 public:
  Symbols();
  ~Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  std::uint32_t intern(std::string_view text);
  /// Not beside intern().
  std::optional<std::uint32_t> find(std::string_view text) const;
  std::string_view text(std::uint32_t symbol) const {
    return pages_[symbol / kPage].load(std::memory_order_acquire)[symbol % kPage];
  }
  std::uint32_t size() const { return size_; }
  std::size_t bytes() const { return bytes_ + slots_.capacity() * sizeof(Slot); }

 private:
  static constexpr std::size_t kPage = 8192;
  static constexpr std::size_t kPages = 65536;
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t symbol = UINT32_MAX;
  };
  std::size_t place(std::string_view text, std::uint32_t hash) const;
  std::string_view keep(std::string_view text);
  void grow();

  std::unique_ptr<std::atomic<std::string_view*>[]> pages_;
  std::uint32_t size_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<char[]>> texts_;
  std::size_t text_room_ = 0;
  char* text_at_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace telltale::tsdb
