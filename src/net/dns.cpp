// glibc's resolver with a state of its own for every call, which makes it thread-safe. Answers are read with
// its own parser.
#include "net/dns.hpp"

#include <array>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

namespace telltale::net {
namespace {

using transport::DnsRecord;
using transport::DnsType;

constexpr std::size_t kMaxDnsAnswerBytes = 65'535;
constexpr std::size_t kSrvHeaderBytes = 6;  // priority, weight, port
constexpr std::size_t kMxHeaderBytes = 2;   // preference

int wire_type(DnsType type) {
  constexpr int kTypes[] = {ns_t_a, ns_t_aaaa, ns_t_srv, ns_t_mx, ns_t_ns};
  return kTypes[static_cast<std::size_t>(type)];
}

class ResolverState {
 public:
  explicit ResolverState(const DnsOptions& options) : ok_(res_ninit(&state_) == 0) {
    if (!ok_) return;
    state_.retrans = options.timeout_seconds;
    state_.retry = options.tries;
    if (options.server.empty()) return;
    state_.nscount = 1;
    state_.nsaddr_list[0].sin_family = AF_INET;
    state_.nsaddr_list[0].sin_port = htons(options.port);
    inet_pton(AF_INET, options.server.c_str(), &state_.nsaddr_list[0].sin_addr);
  }
  ~ResolverState() {
    if (ok_) res_nclose(&state_);
  }
  ResolverState(const ResolverState&) = delete;
  ResolverState& operator=(const ResolverState&) = delete;
  bool ok() const { return ok_; }
  struct __res_state* get() { return &state_; }

 private:
  struct __res_state state_ {};
  bool ok_;
};

/// The name at `offset` of the record's data, without the final dot; empty when malformed.
std::string host_at(const ns_msg& message, const ns_rr& record, std::size_t offset) {
  std::array<char, NS_MAXDNAME> name{};
  if (ns_rr_rdlen(record) <= offset ||
      ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record) + offset, name.data(),
                         name.size()) < 0)
    return {};
  std::string out(name.data());
  while (out.ends_with('.')) out.pop_back();
  return out;
}

DnsRecord read_record(const ns_msg& message, const ns_rr& record, DnsType type) {
  const unsigned char* data = ns_rr_rdata(record);
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (type) {
    case DnsType::a:
    case DnsType::aaaa: {
      const bool four = type == DnsType::a;
      if (ns_rr_rdlen(record) != (four ? NS_INADDRSZ : NS_IN6ADDRSZ) ||
          inet_ntop(four ? AF_INET : AF_INET6, data, text.data(), text.size()) == nullptr)
        return {};
      return {text.data(), 0};
    }
    case DnsType::srv:
      if (ns_rr_rdlen(record) <= kSrvHeaderBytes) return {};
      return {host_at(message, record, kSrvHeaderBytes),
              static_cast<std::uint16_t>(ns_get16(data + kSrvHeaderBytes - 2))};
    case DnsType::mx:
      return {host_at(message, record, kMxHeaderBytes), 0};
    case DnsType::ns:
      return {host_at(message, record, 0), 0};
  }
  return {};
}

Result<std::vector<DnsRecord>> read_answer(const unsigned char* answer, int size, DnsType type,
                                           const std::string& name) {
  ns_msg message;
  if (ns_initparse(answer, size, &message) != 0)
    return fail(ErrorKind::corruption, "dns: " + name + ": malformed answer");
  std::vector<DnsRecord> out;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0)
      return fail(ErrorKind::corruption, "dns: " + name + ": malformed answer");
    if (ns_rr_type(record) != wire_type(type)) continue;  // a CNAME on the way
    DnsRecord found = read_record(message, record, type);
    if (!found.host.empty()) out.push_back(std::move(found));
  }
  return out;
}

}  // namespace

SystemDnsClient::SystemDnsClient(DnsOptions options) : options_(std::move(options)) {}

Result<std::vector<DnsRecord>> SystemDnsClient::lookup(const std::string& name, DnsType type) {
  ResolverState state(options_);
  if (!state.ok()) return fail(ErrorKind::unavailable, "dns: the resolver is not configured");
  std::vector<unsigned char> answer(kMaxDnsAnswerBytes);
  const int size = res_nsearch(state.get(), name.c_str(), ns_c_in, wire_type(type), answer.data(),
                               static_cast<int>(answer.size()));
  if (size < 0) {
    const int code = state.get()->res_h_errno;
    if (code == HOST_NOT_FOUND || code == NO_DATA) return std::vector<DnsRecord>{};
    return fail(ErrorKind::unavailable, "dns: " + name + ": " + hstrerror(code));
  }
  return read_answer(answer.data(), std::min(size, static_cast<int>(answer.size())), type, name);
}

}  // namespace telltale::net
