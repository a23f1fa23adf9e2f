using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using SyncServer.Core;
using SyncServer.Http;

namespace SyncServer.Tests.Http;

public sealed class HeaderTests
{
    /// <summary>What the parsers look at, so that near misses are common.</summary>
    private static readonly Arbitrary<string> Hostile = Gen.Elements(
            "\"", "\\", "W/", ",", "*", ";", "=", " ", "\t", "a", "rev-", "42", "wait", "é", "\0", "99999999999999999999", "-", "")
        .ListOf().Select(parts => string.Concat(parts)).ToArbitrary();

    private static readonly Arbitrary<string> Printable = Gen.Choose(' ', '~').Select(c => (char)c).NonEmptyListOf()
        .Select(list => string.Concat(list.Take(Limits.KeyLength))).ToArbitrary();

    [Theory]
    [InlineData("\"7f3b\"", "7f3b")]
    [InlineData("7f3b8f2a-3f2a-4b86-9c4c-7a3fd4a5d7d1", "7f3b8f2a-3f2a-4b86-9c4c-7a3fd4a5d7d1")]
    [InlineData("\"a, b\"", "a, b")]
    [InlineData("\"a\\\"b\\\\c\"", "a\"b\\c")]
    [InlineData("\"a\";v=1; w=\"x,;y\";z", "a")]
    [InlineData(" \"a\" ", "a")]
    public void A_key_is_a_structured_string_or_a_bare_token(string header, string key)
    {
        Assert.Null(IdempotencyKey.Require(Headers("Idempotency-Key", header), out var read));
        Assert.Equal(key, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"\"")]
    [InlineData("\"a")]
    [InlineData("a\"")]
    [InlineData("\"a\\")]
    [InlineData("\"a\\n\"")]
    [InlineData("\"a\", \"b\"")]
    [InlineData("\"a\"b")]
    [InlineData("\"a\";")]
    [InlineData("\"a\";V=1")]
    [InlineData("\"a\";v=")]
    [InlineData("\"a\";v=1,2")]
    [InlineData("a,b")]
    [InlineData("a b")]
    [InlineData("é")]
    [InlineData("\"é\"")]
    [InlineData("a\tb")]
    [InlineData("\"a\u007f\"")]
    public void A_malformed_key_is_refused(string header) =>
        Assert.Equal(ErrorCode.IdempotencyKeyInvalid, IdempotencyKey.Read(Headers("Idempotency-Key", header), out _)?.Code);

    [Fact]
    public void A_key_has_at_most_255_characters_and_stands_alone()
    {
        Assert.Null(IdempotencyKey.Read(Headers("Idempotency-Key", new string('k', 255)), out _));
        Assert.NotNull(IdempotencyKey.Read(Headers("Idempotency-Key", new string('k', 256)), out _));
        Assert.NotNull(IdempotencyKey.Read(Headers("Idempotency-Key", "a", "a"), out _));
    }

    [Fact]
    public void A_missing_key_is_told_from_a_malformed_one()
    {
        Assert.Null(IdempotencyKey.Read(new HeaderDictionary(), out var key));
        Assert.Null(key);
        Assert.Equal(ErrorCode.IdempotencyKeyMissing, IdempotencyKey.Require(new HeaderDictionary(), out _)?.Code);
    }

    [Fact]
    public void Any_printable_key_survives_its_quotes_and_escapes() => Prop.ForAll(Printable, key =>
    {
        var header = "\"" + key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
        return IdempotencyKey.Read(Headers("Idempotency-Key", header), out var read) is null && read == key;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("*", "\"rev-1\"", true, true)]
    [InlineData("*", null, false, false)]
    [InlineData("\"rev-1\"", "\"rev-1\"", true, true)]
    [InlineData("\"rev-1\"", "\"rev-2\"", false, false)]
    [InlineData("\"rev-1\"", null, false, false)]
    [InlineData("W/\"rev-1\"", "\"rev-1\"", false, true)]
    [InlineData("\"rev-1\"", "W/\"rev-1\"", false, true)]
    [InlineData("W/\"rev-1\"", "W/\"rev-1\"", false, true)]
    [InlineData(" , \"a,b\" ,\t\"rev-1\",", "\"rev-1\"", true, true)]
    [InlineData("\"a,b\"", "\"a,b\"", true, true)]
    [InlineData("\"\"", "\"\"", true, true)]
    public void Tags_are_compared_strongly_for_writes_and_weakly_for_reads(string header, string? current, bool strong, bool weak)
    {
        Assert.Null(EntityTags.Read(Headers("If-Match", header), "If-Match", out var tags));
        Assert.Equal((strong, weak), (tags!.Holds(current), tags.HoldsWeakly(current)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("rev-1")]
    [InlineData("\"rev-1")]
    [InlineData("w/\"rev-1\"")]
    [InlineData("W/ \"rev-1\"")]
    [InlineData("W/")]
    [InlineData("*, \"rev-1\"")]
    [InlineData("\"rev-1\", *")]
    [InlineData("\"rev-1\" \"rev-2\"")]
    [InlineData("\"rev 1\"")]
    [InlineData("42")]
    public void Malformed_tags_are_400(string header)
    {
        Assert.Equal(ErrorCode.InvalidRequest, EntityTags.Read(Headers("If-Match", header), "If-Match", out var tags)?.Code);
        Assert.Null(tags);
    }

    [Fact]
    public void Several_lines_of_tags_are_one_list_and_none_is_no_condition()
    {
        Assert.Null(EntityTags.Read(Headers("If-Match", "\"a\"", "W/\"b\", \"c\""), "If-Match", out var tags));
        Assert.Equal([new("\"a\"", false), new("\"b\"", true), new("\"c\"", false)], tags!.Tags);
        Assert.Null(EntityTags.Read(new HeaderDictionary(), "If-Match", out var none));
        Assert.Null(none);
    }

    [Theory]
    [InlineData("\"rev-42\"", 42L)]
    [InlineData("\"rev-9007199254740991\"", 9_007_199_254_740_991)]
    [InlineData("\"rev-0\"", null)]
    [InlineData("\"rev-042\"", null)]
    [InlineData("\"rev--1\"", null)]
    [InlineData("\"rev-99999999999999999999\"", null)]
    [InlineData("\"rev-\"", null)]
    [InlineData("\"rev-", null)]
    [InlineData("\"", null)]
    [InlineData("rev-42", null)]
    [InlineData("\"abc\"", null)]
    public void A_record_tag_is_its_revision(string etag, long? rev) =>
        Assert.Equal(rev, RecordETag.TryParse(etag, out var parsed) ? parsed : null);

    [Theory]
    [InlineData("", "")]
    [InlineData("pixel-9-3c1f", "pixel-9-3c1f")]
    [InlineData("pïxel", null)]
    [InlineData("a\tb", null)]
    public void A_device_is_printable_ASCII_or_nobody(string header, string? device)
    {
        var rejection = SyncHeaders.Device(Headers("Sync-Device", header), out var read);
        Assert.Equal(device, rejection is null ? read : null);
    }

    [Fact]
    public void A_device_has_at_most_128_characters_and_stands_alone()
    {
        Assert.Null(SyncHeaders.Device(new HeaderDictionary(), out var absent));
        Assert.Equal("", absent);
        Assert.Null(SyncHeaders.Device(Headers("Sync-Device", new string('d', 128)), out _));
        Assert.NotNull(SyncHeaders.Device(Headers("Sync-Device", new string('d', 129)), out _));
        Assert.NotNull(SyncHeaders.Device(Headers("Sync-Device", "a", "b"), out _));
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("1207", 1207L)]
    [InlineData("9007199254740991", 9_007_199_254_740_991L)]
    [InlineData("9007199254740992", null)]
    [InlineData("99999999999999999999", null)]
    [InlineData("", null)]
    [InlineData("-1", null)]
    [InlineData("+1", null)]
    [InlineData("1.0", null)]
    [InlineData("1e3", null)]
    [InlineData("٣", null)]
    public void N_is_a_whole_number_that_JSON_keeps(string header, long? n)
    {
        var rejection = SyncHeaders.N(Headers("Sync-N", header), out var read);
        Assert.Equal((n, n is null), (read, rejection is not null));
    }

    [Fact]
    public void What_is_absent_is_null()
    {
        Assert.Null(SyncHeaders.N(new HeaderDictionary(), out var n));
        Assert.Null(n);
        Assert.Null(SyncHeaders.Epoch(new HeaderDictionary()));
        Assert.Equal("e1", SyncHeaders.Epoch(Headers("Sync-Epoch", "e1")));
    }

    [Theory]
    [InlineData("?", 100)]
    [InlineData("?limit=1", 1)]
    [InlineData("?limit=1000", 1000)]
    [InlineData("?limit=1001", 1000)]
    [InlineData("?limit=99999999999999999999", 1000)]
    [InlineData("?limit=007", 7)]
    [InlineData("?limit=0", null)]
    [InlineData("?limit=-1", null)]
    [InlineData("?limit=-99999999999999999999", null)]
    [InlineData("?limit=", null)]
    [InlineData("?limit", null)]
    [InlineData("?limit=ten", null)]
    [InlineData("?limit=1.5", null)]
    [InlineData("?limit=+5", null)]
    [InlineData("?limit=1&limit=1", null)]
    public void A_limit_is_clamped_above_and_refused_below(string query, int? limit)
    {
        var rejection = Paging.Limit(Query(query), 100, 1000, out var read);
        Assert.Equal(limit, rejection is null ? read : null);
    }

    [Theory]
    [InlineData("wait=25", 25)]
    [InlineData("respond-async, WAIT = \"7\"; foo=bar", 7)]
    [InlineData("foo=\"a,wait=9\", wait=5", 5)]
    [InlineData("foo=\"a\\\",wait=9\", wait=5", 5)]
    [InlineData("wait=3, wait=5", 3)]
    [InlineData("wait=99999999999999999999", 60)]
    [InlineData("wait", 0)]
    [InlineData("wait=", 0)]
    [InlineData("wait=-1", 0)]
    [InlineData("wait=soon", 0)]
    [InlineData("", 0)]
    [InlineData("\"", 0)]
    public void A_wait_is_capped_and_ignored_when_malformed(string header, int seconds) =>
        Assert.Equal(seconds, Paging.WaitSeconds(Headers("Prefer", header), 60));

    [Fact]
    public void Hints_are_read_where_well_formed_and_ignored_where_not()
    {
        var headers = new HeaderDictionary
        {
            ["Sync-Attempt"] = "3",
            ["Sync-Outbox"] = "many",
            ["Sync-Client"] = "notes/1.4.2",
            ["Sync-Schema"] = new StringValues(["1", "2"]),
        };
        Assert.Equal(new ClientHints(3, null, "notes/1.4.2", null), ClientHints.Read(headers));
        Assert.Null(ClientHints.Read(Headers("Sync-Client", "a\nb")).Client);
        Assert.Null(ClientHints.Read(Headers("Sync-Client", new string('c', 129))).Client);
    }

    [Fact]
    public void No_header_makes_a_parser_throw()
    {
        Prop.ForAll(Hostile, Swallow).QuickCheckThrowOnFailure();
        Prop.ForAll((string? any) => Swallow(any)).QuickCheckThrowOnFailure();
    }

    private static void Swallow(string? value)
    {
        IdempotencyKey.Require(Headers("Idempotency-Key", value), out _);
        if (EntityTags.Read(Headers("If-Match", value), "If-Match", out var tags) is null)
        {
            _ = tags!.Holds(value) || tags.HoldsWeakly(value) || tags.Tags.Any(tag => RecordETag.TryParse(tag.Opaque, out _));
        }

        _ = RecordETag.TryParse(value ?? "", out _);
        SyncHeaders.Device(Headers("Sync-Device", value), out _);
        SyncHeaders.N(Headers("Sync-N", value), out _);
        SyncHeaders.Epoch(Headers("Sync-Epoch", value));
        Paging.WaitSeconds(Headers("Prefer", value), 60);
        ClientHints.Read(Headers("Sync-Client", value));
    }

    private static HeaderDictionary Headers(string name, params string?[] values) => new() { [name] = new StringValues(values) };

    private static IQueryCollection Query(string query) =>
        new DefaultHttpContext { Request = { QueryString = new QueryString(query) } }.Request.Query;
}
