#include "net/tls.hpp"

#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/rng.hpp"
#include "net/address.hpp"

namespace telltale::net {
namespace {

constexpr long kCertificateSeconds = 365L * 24 * 3600;

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool add_extension(X509* certificate, int id, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  if (extension == nullptr) return false;
  const bool ok = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

}  // namespace

Result<TlsPem> make_self_signed(const std::string& address) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> key_bio(BIO_new(BIO_s_mem()), BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> certificate_bio(BIO_new(BIO_s_mem()), BIO_free);
  if (!key || !certificate) return fail(ErrorKind::internal, "tls.self_signed: no key could be made");
  X509* x = certificate.get();
  X509_set_version(x, 2);
  std::string serial = secure_random(16);
  serial[0] = static_cast<char>(serial[0] & 0x7F);
  BIGNUM* number = BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), 16, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), kCertificateSeconds);
  X509_set_pubkey(x, key.get());
  X509_NAME* name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("telltale"), -1,
                             -1, 0);
  X509_set_issuer_name(x, name);
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  if (IpAddress::parse(address)) names += ",IP:" + IpAddress::parse(address)->text();
  const bool ok =
      add_extension(x, NID_subject_alt_name, names) &&
      add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
      X509_sign(x, key.get(), EVP_sha256()) > 0 && PEM_write_bio_X509(certificate_bio.get(), x) == 1 &&
      PEM_write_bio_PrivateKey(key_bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  if (!ok) return fail(ErrorKind::internal, "tls.self_signed: the certificate could not be made");
  return TlsPem{bio_text(certificate_bio.get()), bio_text(key_bio.get())};
}

std::string tls_files_version(const ServerTls& tls) {
  std::string version;
  for (const std::string* path : {&tls.cert_file, &tls.key_file, &tls.client_ca_file}) {
    if (path->empty()) continue;
    struct stat info {};
    if (stat(path->c_str(), &info) != 0) return {};
    version +=
        fmt::format("{}.{}.{}.{};", info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino);
  }
  return version;
}

Result<std::string> read_pem(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  if (!in || !(out << in.rdbuf())) return fail(ErrorKind::io, "cannot read " + path);
  return out.str();
}

}  // namespace telltale::net
