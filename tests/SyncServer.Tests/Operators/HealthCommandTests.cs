using SyncServer.Operators;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Operators;

public sealed class HealthCommandTests
{
    [Fact]
    public async Task An_answer_of_success_is_0() =>
        Assert.Equal(0, await HealthCommand.TryRunAsync(["health", new Uri(TestServers.A.Address, "/health/live").ToString()]));

    [Fact]
    public async Task An_answer_that_is_no_success_is_1() =>
        Assert.Equal(1, await HealthCommand.TryRunAsync(["health", new Uri(TestServers.A.Address, "/v1/session").ToString()]));

    [Theory]
    [InlineData("http://127.0.0.1:1/health/live")]
    [InlineData("nonsense")]
    [InlineData("ftp://127.0.0.1/health/live")]
    public async Task An_address_where_nobody_answers_is_1(string address) =>
        Assert.Equal(1, await HealthCommand.TryRunAsync(["health", address]));

    [Fact]
    public async Task An_interrupted_question_is_1() => Assert.Equal(
        1, await HealthCommand.TryRunAsync(["health", TestServers.A.Address.ToString()], new CancellationToken(canceled: true)));

    [Theory]
    [InlineData]
    [InlineData("migrate")]
    [InlineData("--urls", "http://127.0.0.1:0")]
    public async Task Other_arguments_are_not_its_own(params string[] args) =>
        Assert.Null(await HealthCommand.TryRunAsync(args));
}
