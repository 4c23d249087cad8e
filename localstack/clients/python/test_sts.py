"""Owns the question that tools ask first: who am I?

Never more of STS.
Next: the AWS CLI, in ../cli.
"""

import re


def test_the_caller_has_an_account_and_an_arn(sts):
    found = sts.get_caller_identity()
    assert re.fullmatch(r"\d{12}", found["Account"])
    assert found["Arn"].startswith("arn:aws:") and found["Account"] in found["Arn"]
    assert found["UserId"]
