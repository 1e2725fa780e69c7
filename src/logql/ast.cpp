#include "logql/ast.hpp"

#include <iterator>

namespace telltale::logql {
namespace {

constexpr std::string_view kCompareTexts[] = {"=", "!=", "=~", "!~", ">", ">=", "<", "<="};
constexpr std::string_view kLineTexts[] = {"|=", "!=", "|~", "!~", "|>", "!>"};
constexpr std::string_view kRangeTexts[] = {"rate",
                                            "rate_counter",
                                            "count_over_time",
                                            "bytes_rate",
                                            "bytes_over_time",
                                            "sum_over_time",
                                            "avg_over_time",
                                            "min_over_time",
                                            "max_over_time",
                                            "stdvar_over_time",
                                            "stddev_over_time",
                                            "quantile_over_time",
                                            "first_over_time",
                                            "last_over_time",
                                            "absent_over_time",
                                            "distinct_over_time"};
constexpr std::string_view kVectorTexts[] = {"sum",    "avg",  "min",     "max",  "count",     "stddev",
                                             "stdvar", "topk", "bottomk", "sort", "sort_desc", "approx_topk"};
constexpr std::string_view kBinaryTexts[] = {"or", "and", "unless", "==", "!=", "<", "<=", ">",
                                             ">=", "+",   "-",      "*",  "/",  "%", "^"};

template <class Op, std::size_t N>
std::optional<Op> op_named(const std::string_view (&texts)[N], std::string_view name) {
  for (std::size_t i = 0; i < N; ++i)
    if (texts[i] == name) return static_cast<Op>(i);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(CompareOp op) { return kCompareTexts[static_cast<std::size_t>(op)]; }
std::string_view to_string(LineOp op) { return kLineTexts[static_cast<std::size_t>(op)]; }
std::string_view to_string(RangeOp op) { return kRangeTexts[static_cast<std::size_t>(op)]; }
std::string_view to_string(VectorOp op) { return kVectorTexts[static_cast<std::size_t>(op)]; }
std::string_view to_string(BinaryOp op) { return kBinaryTexts[static_cast<std::size_t>(op)]; }

bool is_negative(LineOp op) { return static_cast<unsigned>(op) % 2 == 1; }
std::optional<RangeOp> range_op_from(std::string_view name) { return op_named<RangeOp>(kRangeTexts, name); }
std::optional<VectorOp> vector_op_from(std::string_view name) {
  return op_named<VectorOp>(kVectorTexts, name);
}
bool is_comparison(BinaryOp op) { return op >= BinaryOp::eq && op <= BinaryOp::ge; }
bool is_set_operator(BinaryOp op) { return op <= BinaryOp::unless; }

}  // namespace telltale::logql
