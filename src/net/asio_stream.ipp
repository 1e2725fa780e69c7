// Connections over Asio, plain and TLS, behind stream.hpp. For net's .cpp files that own an event loop: this
// is where Asio and OpenSSL's TLS come in.
#pragma once

#include <array>
#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/strand.hpp>

#include "net/stream.hpp"
#include "net/tls.hpp"

namespace telltale::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using AsioError = boost::system::error_code;
using Strand = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<tcp, Strand>;
using TlsContext = std::shared_ptr<asio::ssl::context>;

inline std::string peer_text(const Socket& socket) {
  AsioError ec;
  const auto endpoint = socket.remote_endpoint(ec);
  return ec ? std::string() : endpoint.address().to_string();
}

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)), peer_(peer_text(socket_)) {}
  void handshake(std::shared_ptr<StreamEvents> keep) override { keep->on_handshake(true); }
  void read_some(char* to, std::size_t n, std::shared_ptr<StreamEvents> keep) override {
    socket_.async_read_some(asio::buffer(to, n),
                            [keep](const AsioError& ec, std::size_t got) { keep->on_read(!ec, got); });
  }
  void write_some(std::string_view a, std::string_view b, std::shared_ptr<StreamEvents> keep) override {
    const std::array<asio::const_buffer, 2> parts = {asio::buffer(a), asio::buffer(b)};
    socket_.async_write_some(parts,
                             [keep](const AsioError& ec, std::size_t put) { keep->on_write(!ec, put); });
  }
  void shutdown_send() override {
    AsioError ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    AsioError ignored;
    socket_.close(ignored);
  }
  void post(std::function<void()> task) override { asio::post(socket_.get_executor(), std::move(task)); }
  bool tls() const override { return false; }
  std::string peer() const override { return peer_; }
  std::string peer_certificate() const override { return {}; }

 private:
  Socket socket_;
  const std::string peer_;
};

class TlsStream final : public Stream {
 public:
  TlsStream(Socket socket, TlsContext context)
      : context_(std::move(context)),
        stream_(std::move(socket), *context_),
        peer_(peer_text(stream_.next_layer())) {}
  void handshake(std::shared_ptr<StreamEvents> keep) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [keep](const AsioError& ec) { keep->on_handshake(!ec); });
  }
  void read_some(char* to, std::size_t n, std::shared_ptr<StreamEvents> keep) override {
    stream_.async_read_some(asio::buffer(to, n),
                            [keep](const AsioError& ec, std::size_t got) { keep->on_read(!ec, got); });
  }
  void write_some(std::string_view a, std::string_view b, std::shared_ptr<StreamEvents> keep) override {
    stream_.async_write_some(asio::buffer(a.empty() ? b : a),
                             [keep](const AsioError& ec, std::size_t put) { keep->on_write(!ec, put); });
  }
  void shutdown_send() override {
    // No close alert: every response has its length, so an end of the stream cuts nothing off.
    AsioError ignored;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    AsioError ignored;
    stream_.next_layer().close(ignored);
  }
  void post(std::function<void()> task) override { asio::post(stream_.get_executor(), std::move(task)); }
  bool tls() const override { return true; }
  std::string peer() const override { return peer_; }
  std::string peer_certificate() const override {
    SSL* ssl = const_cast<TlsStream*>(this)->stream_.native_handle();
    X509* certificate = SSL_get1_peer_certificate(ssl);
    if (certificate == nullptr) return {};
    std::string subject;
    if (SSL_get_verify_result(ssl) == X509_V_OK) {
      char* text = X509_NAME_oneline(X509_get_subject_name(certificate), nullptr, 0);
      subject = text == nullptr ? "" : text;
      OPENSSL_free(text);
    }
    X509_free(certificate);
    return subject;
  }

 private:
  const TlsContext context_;
  asio::ssl::stream<Socket> stream_;
  const std::string peer_;
};

inline Result<TlsContext> make_tls_context(const ServerTls& tls, const TlsPem& pem) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  AsioError ec;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                           asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1,
                       ec);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
  context->use_certificate_chain(asio::buffer(pem.certificate), ec);
  if (ec) return fail(ErrorKind::invalid_argument, "tls.cert: " + ec.message());
  context->use_private_key(asio::buffer(pem.key), asio::ssl::context::pem, ec);
  if (ec) return fail(ErrorKind::invalid_argument, "tls.key: " + ec.message());
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return fail(ErrorKind::invalid_argument, "tls.key does not belong to tls.cert");
  }
  if (!tls.client_ca_file.empty()) {
    context->load_verify_file(tls.client_ca_file, ec);
    if (ec) return fail(ErrorKind::invalid_argument, "tls.client_ca: " + ec.message());
    const auto required = tls.require_client_cert ? asio::ssl::verify_fail_if_no_peer_cert : 0;
    context->set_verify_mode(asio::ssl::verify_peer | required, ec);
    const unsigned char id[] = "telltale";
    SSL_CTX_set_session_id_context(context->native_handle(), id, sizeof id - 1);
  }
  return context;
}

struct LoadedTls {
  TlsContext context;
  std::string version;  // tls_files_version() of what was read
};

/// The certificate of `tls`, read or made for `address`.
inline Result<LoadedTls> load_tls(const ServerTls& tls, const std::string& address) {
  LoadedTls out;
  TlsPem pem;
  out.version = tls_files_version(tls);
  if (tls.cert_file.empty()) {
    TT_ASSIGN(pem, make_self_signed(address));
  } else {
    TT_ASSIGN(pem.certificate, read_pem(tls.cert_file));
    TT_ASSIGN(pem.key, read_pem(tls.key_file));
  }
  TT_ASSIGN(out.context, make_tls_context(tls, pem));
  return out;
}

}  // namespace telltale::net
