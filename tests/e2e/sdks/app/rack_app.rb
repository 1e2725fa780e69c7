# A Rack application with sentry-ruby: rack_app.rb PORT DSN RELEASE.
require 'rack'
require 'rack/handler/webrick'
require 'sentry-ruby'

PORT, DSN, RELEASE = ARGV

class OutOfStock < StandardError; end
class Gone < StandardError; end

Sentry.init do |config|
  config.dsn = DSN
  config.release = RELEASE
  config.environment = 'staging'
  config.excluded_exceptions += ['Gone']
  config.before_send = ->(event, hint) { hint[:exception].to_s.include?('expected') ? nil : event }
  config.logger = Logger.new(File::NULL)
end

# The application.
class Shop
  def call(env)
    request = Rack::Request.new(env)
    Sentry.set_user(id: 'u-42', email: 'ann@example.com')
    Sentry.set_tags(request_id: request.get_header('HTTP_X_REQUEST_ID').to_s)
    case request.path
    when '/buy' then take(request.params['way'])
    when '/gone' then raise Gone, 'this page is gone'
    when '/expected' then raise ArgumentError, 'expected, too'
    end
    [200, { 'Content-Type' => 'text/plain' }, ['ok']]
  end

  def take(way)
    shelf = "shelf 1234567 at #{Object.new.inspect}"
    if way == '1'
      raise OutOfStock, "nothing left in #{shelf}"
    end

    # Further down, the same.
    raise OutOfStock, "nothing left in #{shelf}"
  end
end

app = Rack::Builder.new do
  use Sentry::Rack::CaptureExceptions
  run Shop.new
end
quiet = WEBrick::Log.new(File::NULL)
Rack::Handler::WEBrick.run(app, Host: '127.0.0.1', Port: PORT.to_i, Logger: quiet, AccessLog: [])
