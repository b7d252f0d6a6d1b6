#include "chain/crypto/hash_batch.hpp"
#include <cstdio>
#include <ctime>
#include <vector>
using namespace micro;
int main(){ std::vector<Hash> in(1026), out(1024); double best[3]={9,9,9};
 Bytes b(134,3);
 for(int rep=0;rep<30;++rep) for(int k=0;k<3;++k){ timespec a,c; clock_gettime(CLOCK_PROCESS_CPUTIME_ID,&a);
  HashBatch h(domain::kTrieNode);
  for(int r=0;r<40;++r) for(size_t i=0;i<1024;++i){ if(k==0) h.add({in[i].view(),in[i+1].view()},out[i]); else if(k==1) h.add(in[i],out[i]); else h.add(ByteView(b),out[i]); }
  h.flush(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID,&c); double t=((c.tv_sec-a.tv_sec)+1e-9*(c.tv_nsec-a.tv_nsec))/40960*1e9; if(t/1e9<best[k]) best[k]=t/1e9; }
 printf("node %.1f ns, one hash %.1f ns, body %.1f ns\n",best[0]*1e9,best[1]*1e9,best[2]*1e9); }
