using System.Text;
using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Tests.Records;

/// <summary>Protocol 5. The digests here were computed by another implementation of SHA-256.</summary>
public class ChecksumTests
{
    private const string Uuid = "0190a3c2-7b1e-7c40-9d51-1f2e3d4c5b6a";

    private static string Written(Checksum checksum) => Encoding.UTF8.GetString(JsonText.Write(writer =>
    {
        writer.WriteStartObject();
        checksum.WriteMembers(writer);
        writer.WriteEndObject();
    }).Span);

    [Theory]
    [InlineData("note", Uuid, 1, "b086da37a6e890f2")]
    [InlineData("note", Uuid, 2, "94135bfbe10e1c75")]
    [InlineData("$member", "alice", 1, "f2ee6021c7f99d7b")]
    public void A_digest_is_the_first_eight_bytes_of_sha_256_over_entity_id_and_revision(string entity, string id, long rev, string sum) =>
        Assert.Equal($$"""{"count":1,"sum":"{{sum}}"}""", Written(Checksum.Of(new RecordKey(entity, id), rev)));

    [Fact]
    public void The_longest_identity_has_a_digest_of_all_of_it() => Assert.Equal(
        0x11f997ec758da276UL,
        Checksum.DigestOf(new RecordKey(new string('E', Limits.EntityLength), new string('i', Limits.RecordIdLength)), long.MaxValue));

    [Fact]
    public void A_bucket_is_the_first_byte_of_sha_256_of_the_id() =>
        Assert.Equal((0x60, 0x84), (Checksum.BucketOf(Uuid), Checksum.BucketOf(new string('i', Limits.RecordIdLength))));

    [Fact]
    public void Sums_go_on_from_zero_and_keep_their_leading_zeros()
    {
        var sum = new Checksum(1, ulong.MaxValue) + new Checksum(1, 0x10);
        Assert.Equal("""{"count":2,"sum":"000000000000000f"}""", Written(sum));
        Assert.Equal(new Checksum(1, ulong.MaxValue), sum - new Checksum(1, 0x10));
        Assert.Equal("""{"count":0,"sum":"0000000000000000"}""", Written(default));
    }

    [Fact]
    public void Whatever_is_added_and_taken_out_in_any_order_leaves_the_checksum_of_the_rest() =>
        Property.Holds(Gen.ArrayOf(Gen.Choose(0, 5)).Zip(Gen.ArrayOf(Gen.Choose(0, 5))), world =>
        {
            Checksum Of(IEnumerable<int> ids) => ids.Aggregate(default(Checksum), (sum, id) => sum + Checksum.Of(new RecordKey("note", $"{id}"), 1));
            var (kept, removed) = world;
            var sum = Of(kept.Concat(removed).Order());
            Assert.Equal(Of(kept), removed.Aggregate(sum, (rest, id) => rest - Checksum.Of(new RecordKey("note", $"{id}"), 1)));
        });
}
