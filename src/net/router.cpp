// A trie over path segments. A node has literal children, one child for "any segment" and routes for "the
// rest of the path"; matching tries them in that order and backtracks, so the most literal route that knows
// the method wins. Parameter names belong to routes, not to nodes: two routes may call the same segment
// differently.
#include <map>
#include <set>

#include "base/check.hpp"
#include "net/http.hpp"

namespace telltale::net {

struct Route {
  Handler handler;
  RouteOptions options;
  std::vector<std::string> names;  // of the parameters, left to right
};

using RoutesByMethod = std::map<std::string, std::shared_ptr<const Route>, std::less<>>;

struct RouteNode {
  std::map<std::string, std::unique_ptr<RouteNode>, std::less<>> literal;
  std::unique_ptr<RouteNode> any;
  RoutesByMethod here;
  RoutesByMethod rest;
};

namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return segments;
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::string decode_segment(std::string_view segment) {
  auto decoded = percent_decode(segment);
  return decoded ? *std::move(decoded) : std::string(segment);
}

/// One walk down the trie for one request.
class RouteSearch {
 public:
  RouteSearch(std::string_view method, std::string_view path) : method_(method), segments_(split_path(path)) {
    for (const auto segment : segments_) decoded_.push_back(decode_segment(segment));
  }

  Router::Match run(const RouteNode& root) {
    Router::Match match;
    if (descend(root, 0)) {
      match.handler = &found_->handler;
      match.options = &found_->options;
      for (std::size_t i = 0; i < found_->names.size(); ++i) match.path_params[found_->names[i]] = values_[i];
    } else {
      for (const auto& method : allowed_) match.allow += (match.allow.empty() ? "" : ", ") + method;
    }
    return match;
  }

 private:
  bool descend(const RouteNode& node, std::size_t depth) {
    if (depth == segments_.size()) {
      if (take(node.here)) return true;
    } else {
      if (const auto it = node.literal.find(decoded_[depth]); it != node.literal.end()) {
        if (descend(*it->second, depth + 1)) return true;
      }
      if (node.any && !decoded_[depth].empty()) {
        values_.push_back(decoded_[depth]);
        if (descend(*node.any, depth + 1)) return true;
        values_.pop_back();
      }
    }
    if (node.rest.empty()) return false;
    values_.push_back(join_from(depth));
    if (take(node.rest)) return true;
    values_.pop_back();
    return false;
  }

  std::string join_from(std::size_t depth) const {
    std::string rest;
    for (std::size_t i = depth; i < decoded_.size(); ++i) rest += (i == depth ? "" : "/") + decoded_[i];
    return rest;
  }

  bool take(const RoutesByMethod& routes) {
    auto it = routes.find(method_);
    if (it == routes.end() && method_ == "HEAD") it = routes.find("GET");
    if (it != routes.end()) {
      found_ = it->second.get();
      return true;
    }
    for (const auto& [method, route] : routes) {
      allowed_.insert(method);
      if (method == "GET") allowed_.insert("HEAD");
    }
    return false;
  }

  const std::string_view method_;
  const std::vector<std::string_view> segments_;
  std::vector<std::string> decoded_;
  std::vector<std::string> values_;
  const Route* found_ = nullptr;
  std::set<std::string> allowed_;
};

}  // namespace

struct Router::Impl {
  RouteNode root;
  std::optional<Route> fallback;
  std::vector<std::string> added;  // "METHOD pattern"
};

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

void Router::add(std::string_view methods, std::string_view pattern, Handler handler, RouteOptions options) {
  auto route = std::make_shared<Route>(Route{std::move(handler), std::move(options), {}});
  if (route->options.name.empty()) route->options.name = std::string(pattern);
  RouteNode* node = &impl_->root;
  bool rest = false;
  for (const std::string_view segment : split_path(pattern)) {
    TT_CHECK(!rest);  // `{name*}` is last
    if (segment.starts_with('{') && segment.ends_with("*}")) {
      route->names.emplace_back(segment.substr(1, segment.size() - 3));
      rest = true;
    } else if (segment.starts_with('{') && segment.ends_with('}')) {
      route->names.emplace_back(segment.substr(1, segment.size() - 2));
      if (!node->any) node->any = std::make_unique<RouteNode>();
      node = node->any.get();
    } else {
      auto& child = node->literal[std::string(segment)];
      if (!child) child = std::make_unique<RouteNode>();
      node = child.get();
    }
  }
  RoutesByMethod& routes = rest ? node->rest : node->here;
  while (!methods.empty()) {
    const std::size_t bar = methods.find('|');
    const std::string method(methods.substr(0, bar));
    methods.remove_prefix(bar == std::string_view::npos ? methods.size() : bar + 1);
    TT_CHECK(routes.emplace(method, route).second);  // each method and pattern once
    impl_->added.push_back(method + ' ' + std::string(pattern));
  }
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match = RouteSearch(method, path).run(impl_->root);
  if (match.handler == nullptr && match.allow.empty() && impl_->fallback &&
      (method == "GET" || method == "HEAD")) {
    match.handler = &impl_->fallback->handler;
    match.options = &impl_->fallback->options;
  }
  return match;
}

void Router::set_fallback(Handler handler, RouteOptions options) {
  impl_->fallback = Route{std::move(handler), std::move(options), {}};
}

const std::vector<std::string>& Router::routes() const { return impl_->added; }

}  // namespace telltale::net
