using SyncServer.Core.Push;

namespace SyncServer.Core.Tests.Push;

public class EntropyTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(0x0190_A7C2_8D41);

    [Fact]
    public void Tags_are_those_of_SplitMix64()
    {
        var entropy = new Entropy(seed: 1234567);

        Assert.Equal(6457827717110365317, entropy.NextTag());
        Assert.Equal(3203168211198807973, entropy.NextTag());
        Assert.Equal(9817491932198370423, (ulong)entropy.NextTag());
    }

    [Fact]
    public void Ids_are_UUIDs_of_version_7_that_begin_with_the_time()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var id = new Entropy(seed).NextId(Now);

            Assert.Matches("^0190a7c2-8d41-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id);
        }
    }

    [Fact]
    public void Every_draw_differs_and_the_same_seed_draws_the_same()
    {
        static List<string> Drawn()
        {
            var (one, other) = (new Entropy(seed: 1), new Entropy(seed: 2));
            return [.. Enumerable.Range(0, 1000).SelectMany(_ => new[] { one.NextId(Now), other.NextId(Now) })];
        }

        Assert.Equal(Drawn(), Drawn());
        Assert.Distinct(Drawn());
    }
}
