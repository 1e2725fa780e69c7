#include "server/inputs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/input_limits.hpp"
#include "net/address.hpp"
#include "wire/syslog/framer.hpp"

namespace telltale::server {
namespace {

constexpr Nanos kRetryPause = std::chrono::milliseconds(200);
constexpr Nanos kStopPatience = std::chrono::seconds(3);  // for a full server, while stopping
constexpr Nanos kFollowPeriod = std::chrono::milliseconds(200);

std::pair<std::string, std::uint16_t> split_listen(const std::string& listen) {
  const auto colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, static_cast<std::uint16_t>(std::stoi(listen.substr(colon + 1)))};
}

// Whether the same messages may be taken later.
bool worth_waiting(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::disk_full ||
         kind == ErrorKind::resource_exhausted || kind == ErrorKind::io;
}

logs::MultilineOptions multiline_of(const std::string& setting) {
  using Mode = logs::MultilineOptions::Mode;
  logs::MultilineOptions options;
  if (setting == "continuation") {
    options.mode = Mode::continuation;
  } else if (setting == "time") {
    options.mode = Mode::time;
  } else if (setting != "off" && !setting.empty()) {
    options.mode = Mode::pattern;
    options.start = setting;
  }
  return options;
}

}  // namespace

// One connection's messages: framed, kept as they come.
class Inputs::SyslogStream final : public net::StreamHandler {
 public:
  SyslogStream(Inputs& inputs, ProjectId project, TimeZone zone, std::string peer)
      : inputs_(inputs), project_(project), zone_(zone), peer_(std::move(peer)) {}

  void on_bytes(std::string_view bytes) override {
    framer_.feed(bytes, [this](std::string_view message) {
      messages_.push_back({std::string(message), peer_});
    });
    keep();
  }
  void on_end() override {
    framer_.finish([this](std::string_view message) { messages_.push_back({std::string(message), peer_}); });
    keep();
  }

 private:
  void keep() {
    inputs_.cut_total_.add(framer_.cut() - cut_);
    cut_ = framer_.cut();
    if (messages_.empty()) return;
    inputs_.keep(project_, messages_, zone_);
    messages_.clear();
  }

  Inputs& inputs_;
  const ProjectId project_;
  const TimeZone zone_;
  const std::string peer_;
  wire::syslog::Framer framer_;
  std::uint64_t cut_ = 0;
  std::vector<ingest::SyslogMessage> messages_;
};

Inputs::Inputs(ingest::Ingest& ingest, io::FileSystem& fs, const Clock& clock, const Logger& log,
               MetricsRegistry& metrics)
    : ingest_(ingest),
      fs_(fs),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      messages_total_(metrics.counter("telltale_syslog_messages_total", "Syslog messages kept.")),
      cut_total_(
          metrics.counter("telltale_syslog_cut_total", "Syslog messages that were cut at the longest line.")),
      lost_total_(metrics.counter("telltale_syslog_lost_total",
                                  "Syslog messages that were read and could not be kept.")) {}

Inputs::~Inputs() { stop(); }

Result<> Inputs::start(const config::Config& config) {
  for (const auto& listener : config.syslog.listen) {
    if (auto started = start_syslog(config, listener); !started)
      return tl::unexpected<Error>(std::move(started).error().within("syslog.listen " + listener.address));
  }
  return start_files(config);
}

Result<> Inputs::start_syslog(const config::Config& config, const config::SyslogListener& listener) {
  TT_ASSIGN(const TimeZone zone, TimeZone::find(listener.time_zone));
  TT_ASSIGN(const auto allow, net::parse_cidrs(listener.allow, "allow"));
  const auto [address, port] = split_listen(listener.address);
  const ProjectId project = listener.project;
  if (listener.protocol == config::SyslogProtocol::udp) {
    auto handler = [this, project, zone](const std::vector<net::Datagram>& batch) {
      std::vector<ingest::SyslogMessage> messages;
      messages.reserve(batch.size());
      for (const auto& d : batch) messages.push_back({d.bytes, d.from.text()});
      keep(project, messages, zone);
    };
    datagrams_.push_back(std::make_unique<net::DatagramListener>(
        net::DatagramOptions{"udp:" + listener.address, address, port, allow}, handler, log_, metrics_));
    return datagrams_.back()->start();
  }
  net::StreamOptions options;
  const bool tls = listener.protocol == config::SyslogProtocol::tls;
  options.name = (tls ? "tls:" : "tcp:") + listener.address;
  options.address = address;
  options.port = port;
  options.allow = allow;
  if (tls) {
    options.tls.cert_file = config.tls.cert;
    options.tls.key_file = config.tls.key;
    options.tls.self_signed = config.tls.self_signed;
    options.tls.client_ca_file = listener.client_ca;
    options.tls.require_client_cert = !listener.client_ca.empty();
  }
  auto accept = [this, project, zone](const net::StreamPeer& peer) -> std::unique_ptr<net::StreamHandler> {
    return std::make_unique<SyslogStream>(*this, project, zone, peer.address.text());
  };
  streams_.push_back(std::make_unique<net::StreamListener>(options, accept, clock_, log_, metrics_));
  return streams_.back()->start();
}

Result<> Inputs::start_files(const config::Config& config) {
  if (config.files.empty()) return {};
  std::vector<logs::FileSource> sources;
  for (const auto& files : config.files) {
    logs::FileSource source{
        files.paths, files.project, files.labels, files.from_end, multiline_of(files.multiline), {}};
    TT_ASSIGN(source.zone, TimeZone::find(files.time_zone));
    sources.push_back(std::move(source));
  }
  const std::string folder = io::join_path(config.server.data_dir, "followed");
  TT_TRY(fs_.make_dirs(folder));
  follower_ = std::make_unique<logs::FileFollower>(
      std::move(sources), fs_, io::join_path(folder, "offsets.json"),
      [this](ProjectId project, const std::vector<logs::FileLines>& files) -> Result<> {
        auto kept = ingest_.file_lines(project, files);
        if (kept) return {};
        return tl::unexpected<Error>(std::move(kept).error());
      },
      clock_, log_, metrics_);
  if (auto opened = follower_->open(); !opened)
    return tl::unexpected<Error>(std::move(opened).error().within("files"));
  follower_task_ = std::make_unique<PeriodicTask>("files", kFollowPeriod, [this] {
    while (!ending_files_ && follower_->tick()) {
    }
  });
  return {};
}

bool Inputs::wait_a_moment() {
  const MutexLock lock(mutex_);
  if (stopping_ && clock_.steady() >= give_up_) return false;
  (void)wake_.wait_for(mutex_, kRetryPause);
  return true;
}

void Inputs::keep(ProjectId project, const std::vector<ingest::SyslogMessage>& messages,
                  const TimeZone& zone) {
  while (true) {
    const auto kept = ingest_.syslog(project, messages, zone);
    if (kept) {
      messages_total_.add(kept->accepted);
      return;
    }
    if (worth_waiting(kept.error().kind()) && wait_a_moment()) continue;
    lost_total_.add(messages.size());
    log_.error("syslog messages lost", {{"messages", messages.size()}, {"reason", kept.error().message()}});
    return;
  }
}

void Inputs::stop() {
  ending_files_ = true;
  follower_task_.reset();
  {
    const MutexLock lock(mutex_);
    if (!stopping_) give_up_ = clock_.steady() + kStopPatience;
    stopping_ = true;
    wake_.notify_all();
  }
  streams_.clear();
  datagrams_.clear();
}

}  // namespace telltale::server
