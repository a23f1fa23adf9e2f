using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace SyncServer.Accounts;

/// <summary>
/// Keeps the identity provider's keys: fetched at start, then periodically, and sooner when a token names an unknown
/// key. A fetch that fails leaves the keys as they were.
/// </summary>
internal sealed class JwksFeed(IOptions<AuthOptions> options, TimeProvider time, ILogger<JwksFeed> log) : BackgroundService
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        // A redirect could lead from https to http or to a host that the operator did not name.
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = AuthLimits.FetchTimeout,
        MaxResponseContentBufferSize = AuthLimits.KeySetBytes,
    };

    private readonly Lock _gate = new();
    private Task? _fetch;
    private long _fetchStarted;
    private volatile KeySet _current = KeySet.None;

    /// <summary>The keys of one document. Another document is another instance, so instances tell whether keys changed.</summary>
    internal sealed record KeySet(IReadOnlyList<SigningKey> Keys, byte[] Digest)
    {
        /// <summary>What holds until the first fetch succeeds.</summary>
        public static readonly KeySet None = new([], []);
    }

    /// <summary>The newest keys.</summary>
    public KeySet Current => _current;

    /// <summary>Whether keys are still to come: there is an address and no fetch has succeeded yet.</summary>
    public bool IsEmpty => HasAddress && ReferenceEquals(_current, KeySet.None);

    /// <summary>Whether there is a provider to ask at all.</summary>
    public bool HasAddress => options.Value.JwksUri is not null;

    /// <summary>
    /// Returns when the fetch under way has ended, having started one if the last began long enough ago. Never fails
    /// because a fetch did; all callers share one fetch.
    /// </summary>
    public Task RefreshAsync(CancellationToken cancellationToken)
    {
        if (options.Value.JwksUri is not { } address)
        {
            return Task.CompletedTask;
        }

        lock (_gate)
        {
            if (_fetch is null
                || (_fetch.IsCompleted && time.GetElapsedTime(_fetchStarted) >= options.Value.MinimumRefreshInterval))
            {
                _fetchStarted = time.GetTimestamp();
                _fetch = FetchAsync(address);
            }

            return _fetch.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (HasAddress)
        {
            await RefreshAsync(stoppingToken);
            await Task.Delay(IsEmpty ? options.Value.MinimumRefreshInterval : options.Value.RefreshInterval, time, stoppingToken);
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    private async Task FetchAsync(Uri address)
    {
        try
        {
            var document = await _http.GetByteArrayAsync(address);
            var digest = SHA256.HashData(document);
            if (digest.AsSpan().SequenceEqual(_current.Digest))
            {
                return;
            }

            var set = JsonWebKeySet.Parse(document);
            foreach (var reason in set.Ignored)
            {
                log.PublishedKeyIgnored(address, reason);
            }

            if (set.Keys.Count == 0)
            {
                log.KeySetWithoutUse(address);
                return;
            }

            _current = new KeySet(set.Keys, digest);
            log.KeySetTaken(address, set.Keys.Count);
        }
        catch (Exception e) when (
            e is HttpRequestException or OperationCanceledException or JsonException or InvalidOperationException)
        {
            log.KeySetNotFetched(e, address);
        }
    }
}
