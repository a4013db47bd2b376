# Varnish in front of the origin: everything is kept for an hour, whatever the origin and the request say about caching.
vcl 4.1;

backend origin {
  .host = "127.0.0.1";
  .port = "ORIGIN";
}

sub vcl_recv {
  return (hash);
}

sub vcl_hash {
  hash_data(req.url + req.http.Accept-Encoding);
  return (lookup);
}

sub vcl_backend_response {
  set beresp.ttl = 1h;
  set beresp.uncacheable = false;
  return (deliver);
}
